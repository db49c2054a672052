// SPDX-License-Identifier: GPL-2.0-only
module gobench

go 1.19
