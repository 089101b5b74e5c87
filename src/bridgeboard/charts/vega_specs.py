"""Chart → what Vega reads.

Streamlit's own way there (``st.altair_chart``) sets Altair's transformer of data for the whole
process while it reads a chart. A chart that another thread reads at that moment loses its data to
the first one, which then goes to somebody else's browser. Nothing is set here but once.
"""

from typing import Any, Final

import altair as alt

Drawn = alt.Chart | alt.LayerChart
Spec = dict[str, Any]

# Streamlit brings its own theme, and what may be drawn at most is ours to say.
_THEME: Final = alt.theme.enable("none")
_NO_LIMIT: Final = alt.data_transformers.disable_max_rows()


def spec(chart: Drawn) -> Spec:
    """A chart as plain values, its data in it; safe in several threads at once.

    It is not judged by the schema of Vega-Lite, which takes longer than to make it: tests do that.
    """
    return dict(chart.to_dict(validate=False))
