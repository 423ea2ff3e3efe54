"""Deliveries to records: reads the departments' files as they came, by contract, and accounts for every row.

A bad value or row goes to quarantine with its place, reason and text (in the vault); nothing is lost, nothing guessed.
Public names: ``run``, ``load_contract``, ``load_contracts``, ``load_pack``, ``IntakeResult``, ``Contract``.
"""

from commonground.intake.contract import load_contract, load_contracts
from commonground.intake.model import Contract, IntakeResult
from commonground.intake.pack import load_pack
from commonground.intake.run import run

__all__ = ["Contract", "IntakeResult", "load_contract", "load_contracts", "load_pack", "run"]
