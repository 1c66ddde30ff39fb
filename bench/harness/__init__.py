# SPDX-License-Identifier: Apache-2.0
"""What bench/run_driver.py and bench/run_database.py are made of. Python's standard library only."""
