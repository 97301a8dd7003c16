"""What the gate's page says whatever the data: its style and its explanations."""

STYLE = """
:root{color-scheme:light dark;--ink:#1c1e21;--paper:#fbfbfa;--soft:#6b7076;--line:#d9dbde;--good:#1b7f4b;--bad:#b3261e;
--warn:#8a5a00;--bar:#3b6ea5;--real:#13896a;--fake:#c0337a;--unlabelled:#6b7076}
@media(prefers-color-scheme:dark){:root{--ink:#e8e8e6;--paper:#17191c;--soft:#9aa0a6;--line:#33373c;--good:#5bc98c;
--bad:#ff8a80;--warn:#e5b567;--bar:#7aa7d6;--real:#43c59e;--fake:#f07db4;--unlabelled:#9aa0a6}}
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:60rem;margin:0 auto;
padding:1rem}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}h3{font-size:1rem;margin:1.2rem 0 .3rem}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.92rem}
td,th{text-align:left;padding:.3rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
.good{color:var(--good)}.bad{color:var(--bad)}.warn{color:var(--warn)}.soft{color:var(--soft)}
code{font-size:.85em;overflow-wrap:anywhere}img{max-width:100%;height:auto}
.track{position:relative;background:var(--line);height:.8rem;min-width:8rem;border-radius:.4rem}
.track i{display:block;height:100%;background:var(--bar);border-radius:.4rem}
.track b{position:absolute;top:-.2rem;width:2px;height:1.2rem;background:var(--bad)}
figure{margin:0;font-size:.82rem}
.rows{display:grid;grid-template-columns:repeat(auto-fill,minmax(8rem,1fr));gap:.6rem}
.rows .none{width:80px;height:80px;border:1px dashed var(--bad);color:var(--bad);display:grid;place-items:center}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(13rem,1fr));gap:.8rem}
.charts svg{width:100%;height:auto;display:block}.ends{display:flex;justify-content:space-between;color:var(--soft)}
svg .real{fill:var(--real);stroke:var(--real)}svg .fake{fill:var(--fake);stroke:var(--fake)}
svg .unlabelled{fill:none;stroke:var(--unlabelled);stroke-dasharray:3 2}svg .axis{stroke:var(--line);fill:none}
svg path{fill-opacity:.28;stroke-width:1.2}
.key i{display:inline-block;width:.8em;height:.8em;margin:0 .3em 0 1em;vertical-align:-.05em}
"""
HEAD = (
    "<!doctype html><html lang=en><meta charset=utf-8>"
    "<meta name=viewport content='width=device-width,initial-scale=1'><title>Data gate</title>"
)
ABOUT_SHORTCUTS = (
    "<p class=soft>A shortcut AUC is the probability that a simple classifier, which knows nothing of faces, ranks a "
    "fake above a real picture: the higher, the more a detector can learn from how the pictures were stored. It is the "
    "AUC that colour, sharpness, file size, format, JPEG quality and the radial spectrum of luma reach "
    "alone, without any detector: out-of-fold logistic regression, folds by group. 0.5 is chance; the red mark is the "
    "allowed pooled value. A detector has to beat these. The last column adds noise power and radial spectra of "
    "Cb and Cr, which a detector with a colour-residual front sees as well: where it is high, errors of colour alone "
    "give the fakes away, and such a detector need not have learnt anything about faces. It is shown, not bounded.</p>"
)
ABOUT_SHEETS = (
    "<h2>Forgers</h2><p class=soft>The real picture where it is known, the fake made from it, "
    "and the mask of what changed.</p>"
)
ABOUT_CHARTS = (
    "<p class='soft key'>Shares of each label, on axes common to all sources. Where colours stand apart, a detector can"
    " tell the label without looking at the face.<i style='background:var(--real)'></i>real"
    "<i style='background:var(--fake)'></i>fake<i style='background:var(--unlabelled)'></i>unlabelled</p>"
)
