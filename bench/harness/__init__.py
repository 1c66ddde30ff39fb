# SPDX-License-Identifier: Apache-2.0
"""What bench/run_driver.py is made of. Python's standard library only."""
