"""Dispatch: the matrix 1+N, the rotas, who would hear of what, silences, and who does not know yet."""
