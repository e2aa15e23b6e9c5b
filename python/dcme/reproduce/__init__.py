"""The tables and figures of both papers, computed anew and put beside the printed numbers."""
