# SPDX-License-Identifier: Apache-2.0
BUSYBOX_BASE=defconfig BUSYBOX_CONFIG=$TOP/pkg/busybox-dev/config
. "$TOP/pkg/busybox/build.sh"
