// SPDX-License-Identifier: GPL-2.0
/* Lines of the log, and what they say about the pool and the domain. */
#include "dmaprobe.h"
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/stdarg.h>
#include <linux/swiotlb.h>
#include <linux/uaccess.h>
#include <linux/version.h>

void dmaprobe_find_pool(struct dmaprobe *probe)
{
#ifdef CONFIG_SWIOTLB
	struct io_tlb_mem *mem = probe->dev->dma_io_tlb_mem;

	if (!mem || !mem->nslabs)
		return;
	probe->pool_force = mem->force_bounce;
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
	probe->pool_start = mem->start;
	probe->pool_end = mem->end;
#else
	probe->pool_start = mem->defpool.start;
	probe->pool_end = mem->defpool.end;
#endif
#endif
}

#if defined(CONFIG_SWIOTLB) && defined(CONFIG_DEBUG_FS)
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0) && \
	LINUX_VERSION_CODE < KERNEL_VERSION(7, 3, 0)
static long dmaprobe_slots(struct io_tlb_mem *mem)
{
	return atomic_long_read(&mem->total_used);
}
#else
/*
 * The sum over all areas is computed by debugfs alone: mem->total_used does not exist
 * before 6.4, and from 7.3 on it counts only with swiotlb=,,track_hiwater. That file
 * is read into memory of the process that loads the module, as its own read() would:
 * debugfs knows no kernel_read().
 */
static long dmaprobe_slots(struct io_tlb_mem *mem)
{
	char text[24] = "";
	unsigned long user;
	struct file *file;
	loff_t position = 0;
	ssize_t length = -EINVAL;
	long used;

	if (!current->mm)
		return -1;
	file = filp_open("/sys/kernel/debug/swiotlb/io_tlb_used", O_RDONLY, 0);
	if (IS_ERR(file))
		return -1;
	user = vm_mmap(NULL, 0, PAGE_SIZE, PROT_READ | PROT_WRITE,
		       MAP_ANONYMOUS | MAP_PRIVATE, 0);
	if (!IS_ERR_VALUE(user)) {
		if (file->f_op->read)
			length = file->f_op->read(file, (char __user *)user,
						  sizeof(text) - 1, &position);
		if (length > 0 && copy_from_user(text, (char __user *)user, length))
			length = -EFAULT;
		vm_munmap(user, PAGE_SIZE);
	}
	filp_close(file, NULL);
	if (length <= 0 || kstrtol(strim(text), 10, &used))
		return -1;
	return used;
}
#endif
#endif

/* Slots in use, or -1 where this kernel does not tell. */
long dmaprobe_slots_used(struct dmaprobe *probe)
{
#if defined(CONFIG_SWIOTLB) && defined(CONFIG_DEBUG_FS)
	struct io_tlb_mem *mem = probe->dev->dma_io_tlb_mem;

	return mem && mem->nslabs ? dmaprobe_slots(mem) : 0;
#else
	return -1;
#endif
}

const char *dmaprobe_domain_name(struct dmaprobe *probe)
{
	if (!probe->domain)
		return "none";
	switch (probe->domain->type) {
	case IOMMU_DOMAIN_IDENTITY:
		return "identity";
	case IOMMU_DOMAIN_DMA:
		return "dma";
	case IOMMU_DOMAIN_DMA_FQ:
		return "dma-fq";
	default:
		return "other";
	}
}

/* FNV-1a, 32 bits, over what lies between the version and the checksum. */
static u32 dmaprobe_checksum(const char *text)
{
	u32 hash = 0x811c9dc5;

	for (; *text; text++)
		hash = (hash ^ (u8)*text) * 0x01000193;
	return hash;
}

void dmaprobe_line(struct dmaprobe *probe, const char *fmt, ...)
{
	char *text, *numbered;
	va_list arguments;

	va_start(arguments, fmt);
	text = kvasprintf(GFP_KERNEL, fmt, arguments);
	va_end(arguments);
	/* A line that cannot be made is missed by its number. */
	numbered = text ? kasprintf(GFP_KERNEL, "%u %s", probe->line, text) : NULL;
	probe->line++;
	if (numbered)
		pr_info("dmaprobe: v%d %s #%08x\n", DMAPROBE_VERSION, numbered,
			dmaprobe_checksum(numbered));
	kfree(numbered);
	kfree(text);
}
