// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_PCRMODEL_H
#define CAIRN_PCRMODEL_H

/* The PCR model: docs/pcr.md. */
#include "pcr4.h"
#include "pcrlist.h"

#endif
