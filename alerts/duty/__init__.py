"""The 1 and the N: who is on duty, who hears of what, who must approve, who has asked for silence."""
