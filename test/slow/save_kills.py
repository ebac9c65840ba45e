#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""kmsgq save and restore: killed at 50 random moments, more than in
tool/save_kills."""
import sys

from saved import run_kills

sys.exit(run_kills(50))
