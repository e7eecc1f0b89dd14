"""Beyond loss: benchmark skill, its emergence, and successes too rare to see."""
