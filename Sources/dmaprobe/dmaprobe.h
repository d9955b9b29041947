/* SPDX-License-Identifier: GPL-2.0 */
/*
 * dmaprobe: what this kernel does with the DMA mappings of one PCI device.
 *
 * One line a request is logged, with a version, a number and a checksum, so that
 * "dmamatrix observe" notices lines that were cut, mixed or lost.
 */
#ifndef DMAPROBE_H
#define DMAPROBE_H

#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/iommu.h>
#include <linux/pci.h>
#include <linux/types.h>

/* The version of the lines; readers refuse a newer one. */
#define DMAPROBE_VERSION 1

/* Memory that requests name. */
struct dmaprobe_buffer {
	const char *region;
	void *virt;		/* NULL where the machine has no such memory */
	phys_addr_t phys;
	size_t size;
	unsigned int order;
};

enum {
	DMAPROBE_LOW, DMAPROBE_DMA32, DMAPROBE_DMA32TOP, DMAPROBE_HIGH,
	DMAPROBE_BIG_DMA32, DMAPROBE_BIG_HIGH, DMAPROBE_KMALLOC, DMAPROBE_BUFFERS
};

/* One run of the probe. */
struct dmaprobe {
	struct pci_dev *pdev;
	struct device *dev;
	struct iommu_domain *domain;
	bool translated;		/* a DMA domain: IOVAs */
	phys_addr_t pool_start, pool_end; /* of the default pool; equal: none */
	bool pool_force;
	struct dmaprobe_buffer buffer[DMAPROBE_BUFFERS];
	int mask_bits;
	unsigned int line;
};

/* memory.c */
int dmaprobe_memory_get(struct dmaprobe *probe);
void dmaprobe_memory_put(struct dmaprobe *probe);

/* requests.c */
void dmaprobe_requests(struct dmaprobe *probe);

/* report.c */
void dmaprobe_find_pool(struct dmaprobe *probe);
long dmaprobe_slots_used(struct dmaprobe *probe);
const char *dmaprobe_domain_name(struct dmaprobe *probe);
__printf(2, 3) void dmaprobe_line(struct dmaprobe *probe, const char *fmt, ...);

#endif
