#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""kmsgq save and restore: killed at random moments. slow/save_kills does so more
often."""
import sys

from saved import run_kills

sys.exit(run_kills(5))
