"""The loop from traffic to a promoted model: inbox, challenger, decision. What the flows do, without Prefect."""
