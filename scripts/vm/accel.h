// SPDX-License-Identifier: Apache-2.0
#ifndef VM_ACCEL_H
#define VM_ACCEL_H

#include <stdbool.h>

/*
 * accel_kvm_works - true where /dev/kvm runs code, not merely exists: a virtual CPU is made and
 * runs a few instructions, a port write and HLT. Done in a child with a time limit, so a broken
 * host costs 3 s.
 */
bool accel_kvm_works(void);

#endif
