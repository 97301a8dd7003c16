"""One English sentence a label, the text side of the joint embedding (SJEDD: one pattern a level, no antonyms)."""

from unmask.labels.graph import LabelGraph


def prompts(graph: LabelGraph) -> list[str]:
    """Sentences in the order of the graph's labels."""
    _, globals_, locals_ = graph.levels()
    return [
        f"a photo of a {graph.names[0]} face",
        *(f"a photo of a face whose {name} as a whole was changed" for name in graph.names[globals_]),
        *(f"a photo of a face in which the region {name} was changed" for name in graph.names[locals_]),
    ]
