"""Everything that is kept: tables, the ledger of runs, the chain of hashes, versions, troubles."""
