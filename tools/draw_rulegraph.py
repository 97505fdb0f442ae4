"""Draw the rule graph that `snakemake --rulegraph dot` prints, without Graphviz.

snakemake --rulegraph dot --quiet | python tools/draw_rulegraph.py results/dag.png
"""

import re
import sys
from collections import Counter
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import networkx as nx


def read_graph(dot: str) -> nx.DiGraph:
    """The graph of rules, each edge from a rule to one that uses its files."""
    names = dict(re.findall(r'^\s*(\d+)\[label = "([^"\\]+)', dot, re.MULTILINE))
    edges = re.findall(r"^\s*(\d+) -> (\d+)", dot, re.MULTILINE)
    graph = nx.DiGraph()
    graph.add_nodes_from(names.values())
    # `explain` uses files of its own: those of the baseline.
    graph.add_edges_from((names[a], names[b]) for a, b in edges if a != b)
    # What follows from the other edges only hides them.
    return nx.transitive_reduction(graph)


def draw(graph: nx.DiGraph, path: Path) -> None:
    """Draw `graph` from left to right, each rule in the column after its last input."""
    for column, rules in enumerate(nx.topological_generations(graph)):
        for rule in rules:
            graph.nodes[rule]["column"] = column
    places = nx.multipartite_layout(graph, subset_key="column")
    sizes = Counter(column for _, column in graph.nodes(data="column"))
    size = 1.45 * len(sizes), max(3.2, 0.7 * max(sizes.values()))
    figure, axes = plt.subplots(figsize=size, layout="constrained")
    box = {"boxstyle": "round,pad=0.4", "fc": "#EAF1F7", "ec": "#335577"}
    nx.draw_networkx_edges(
        graph, places, ax=axes, edge_color="#777777", node_size=2400, node_shape="s", arrowsize=11
    )
    for rule, place in places.items():
        axes.text(*place, rule.replace("_", "\n"), ha="center", va="center", fontsize=9, bbox=box)
    axes.margins(0.08, 0.2)
    axes.axis("off")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    draw(read_graph(sys.stdin.read()), Path(sys.argv[1]))
    print(sys.argv[1])
