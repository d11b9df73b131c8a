"""Scores as rewards: the same graders and the same scoring, for training on tasks that no program can verify."""

from graders.reward.ledger import RecentLedger, RewardLedger
from graders.reward.reward import Reward
from graders.reward.rewarded import Rewarded

__all__ = ["RecentLedger", "Reward", "RewardLedger", "Rewarded"]
