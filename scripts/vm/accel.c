// SPDX-License-Identifier: Apache-2.0
#include "accel.h"

#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define GUEST_CODE_ADDR 0x1000
#define PAGE_BYTES 4096
#define PROBE_LIMIT_S 3

/*
 * Runs `fwait; fninit; mov dx, 0x3f8; mov al, 'K'; out dx, al; hlt` in real mode; returns 0 when
 * both exits are seen. The x87 instructions are what firmware begins with, and what a KVM without
 * hardware help (software virtualisation in a cloud's guest) fails at while it passes HLT alone.
 */
static int run_hlt(void)
{
	static const uint8_t code[] = { 0x9b, 0xdb, 0xe3, 0xba, 0xf8, 0x03, 0xb0, 'K', 0xee, 0xf4 };
	struct kvm_userspace_memory_region region = { .guest_phys_addr = GUEST_CODE_ADDR,
						      .memory_size = PAGE_BYTES };
	struct kvm_regs regs = { .rip = GUEST_CODE_ADDR, .rflags = 2 };
	struct kvm_sregs sregs;
	struct kvm_run *run;
	uint8_t *page;
	int kvm, vm, vcpu, run_bytes;

	kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (kvm < 0 || ioctl(kvm, KVM_GET_API_VERSION, 0) != KVM_API_VERSION)
		return -1;
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	run_bytes = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	page = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (vm < 0 || run_bytes < (int)sizeof(*run) || page == MAP_FAILED)
		return -1;
	memcpy(page, code, sizeof(code));
	region.userspace_addr = (uintptr_t)page;
	if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region))
		return -1;
	vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	if (vcpu < 0)
		return -1;
	run = mmap(NULL, (size_t)run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	if (run == MAP_FAILED || ioctl(vcpu, KVM_GET_SREGS, &sregs))
		return -1;
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	if (ioctl(vcpu, KVM_SET_SREGS, &sregs) || ioctl(vcpu, KVM_SET_REGS, &regs))
		return -1;
	if (ioctl(vcpu, KVM_RUN, 0) || run->exit_reason != KVM_EXIT_IO)
		return -1;
	if (ioctl(vcpu, KVM_RUN, 0) || run->exit_reason != KVM_EXIT_HLT)
		return -1;
	return 0;
}

bool accel_kvm_works(void)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return false;
	if (pid == 0) {
		(void)alarm(PROBE_LIMIT_S);
		_exit(run_hlt() ? 1 : 0);
	}
	if (waitpid(pid, &status, 0) != pid)
		return false;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
