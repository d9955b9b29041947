// SPDX-License-Identifier: GPL-2.0
/* Every request that this kernel knows, each undone before the next. */
#include "dmaprobe.h"
#include <linux/io.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/version.h>

#define DMAPROBE_BEFORE 0x5a	/* what the buffer holds before it is mapped */
#define DMAPROBE_DEVICE 0xc3	/* what the device would have written */

static const char * const dmaprobe_directions[] = {
	[DMA_BIDIRECTIONAL] = "bidi", [DMA_TO_DEVICE] = "to",
	[DMA_FROM_DEVICE] = "from",
};

/* What was found out about one request. */
struct dmaprobe_request {
	const char *op;
	const char *region;
	enum dma_data_direction dir;
	const char *attribute_names;
	unsigned long attributes;
	size_t length;
	phys_addr_t phys, second;	/* second: of a scatter list, else 0 */
	void *virt;			/* NULL: nobody looks at the bytes */
	dma_addr_t dma;
	int error;
	const char *result;
	int sync;			/* -1: not asked */
	long slots;			/* -1: not known */
	int in, out;			/* -1: no bounce, or not looked at */
};

static const char *dmaprobe_flag(int value)
{
	return value < 0 ? "-" : value ? "1" : "0";
}

static void dmaprobe_report(struct dmaprobe *probe, struct dmaprobe_request *r)
{
	char dma[24] = "-", slots[16] = "-", second[24] = "-";

	if (!r->error)
		snprintf(dma, sizeof(dma), "0x%llx", (unsigned long long)r->dma);
	if (r->slots >= 0)
		snprintf(slots, sizeof(slots), "%ld", r->slots);
	if (r->second)
		snprintf(second, sizeof(second), "0x%llx",
			 (unsigned long long)r->second);
	dmaprobe_line(probe,
		      "mask=%d op=%s region=%s dir=%s attrs=%s len=%zu phys=0x%llx phys2=%s dma=%s err=%d result=%s sync=%s slots=%s in=%s out=%s",
		      probe->mask_bits, r->op, r->region,
		      dmaprobe_directions[r->dir], r->attribute_names, r->length,
		      (unsigned long long)r->phys, second, dma, r->error, r->result,
		      dmaprobe_flag(r->sync), slots, dmaprobe_flag(r->in),
		      dmaprobe_flag(r->out));
}

static void dmaprobe_absent(struct dmaprobe *probe, const char *op,
			    const char *region)
{
	dmaprobe_line(probe, "mask=%d op=%s region=%s result=absent",
		      probe->mask_bits, op, region);
}

/* The memory behind a DMA address, 0 where it is not known. */
static phys_addr_t dmaprobe_behind(struct dmaprobe *probe, dma_addr_t dma)
{
	if (probe->translated)
		return iommu_iova_to_phys(probe->domain, dma);
	return dma;
}

/*
 * The bounce buffer behind an address, 0 for none. A C-bit or a shared alias lies
 * above every address of a default pool.
 */
static phys_addr_t dmaprobe_slot(struct dmaprobe *probe, dma_addr_t dma)
{
	phys_addr_t behind = dmaprobe_behind(probe, dma);
	unsigned int bit;

	if (probe->pool_start == probe->pool_end)
		return 0;
	if (behind >= probe->pool_start && behind < probe->pool_end)
		return behind;
	for (bit = 40; !probe->translated && bit < 63; bit++) {
		phys_addr_t plain = behind & ~((phys_addr_t)1 << bit);

		if (plain != behind && plain >= probe->pool_start &&
		    plain < probe->pool_end)
			return plain;
	}
	return 0;
}

static bool dmaprobe_all(const void *memory, int byte, size_t length)
{
	return !memchr_inv(memory, byte, length);
}

/* Fills in what a successful mapping shows before it is undone. */
static void dmaprobe_look(struct dmaprobe *probe, struct dmaprobe_request *r,
			  long before)
{
	phys_addr_t slot = dmaprobe_slot(probe, r->dma);
	long after = dmaprobe_slots_used(probe);

	r->slots = before < 0 || after < 0 ? -1 : after - before;
	r->sync = dma_need_sync(probe->dev, r->dma);
	if (probe->translated)
		r->result = slot ? "iova_bounce" : "iova";
	else
		r->result = slot ? "bounce" : "direct";
	if (!slot || !r->virt)
		return;
	r->in = dmaprobe_all(phys_to_virt(slot), DMAPROBE_BEFORE, r->length);
	memset(phys_to_virt(slot), DMAPROBE_DEVICE, r->length);
}

/* What the unmap left in the buffer. */
static void dmaprobe_look_back(struct dmaprobe_request *r)
{
	if (r->in >= 0)
		r->out = dmaprobe_all(r->virt, DMAPROBE_DEVICE, r->length);
}

static void dmaprobe_map(struct dmaprobe *probe, struct dmaprobe_request *r,
			 bool by_phys)
{
	struct page *page = r->virt ? virt_to_page(r->virt) : NULL;
	size_t offset = offset_in_page(r->phys);
	long before = dmaprobe_slots_used(probe);

	r->in = r->out = r->sync = -1;
	r->slots = 0;
	r->result = "error";
	if (r->virt)
		memset(r->virt, DMAPROBE_BEFORE, r->length);
#ifdef DMA_ATTR_MMIO
	if (by_phys)
		r->dma = dma_map_phys(probe->dev, r->phys, r->length, r->dir,
				      r->attributes);
	else
#endif
	if (page)
		r->dma = dma_map_page_attrs(probe->dev, page, offset, r->length,
					    r->dir, r->attributes);
	else
		r->dma = dma_map_resource(probe->dev, r->phys, r->length, r->dir,
					  r->attributes);
	r->error = dma_mapping_error(probe->dev, r->dma) ? 1 : 0;
	if (!r->error) {
		dmaprobe_look(probe, r, before);
#ifdef DMA_ATTR_MMIO
		if (by_phys)
			dma_unmap_phys(probe->dev, r->dma, r->length, r->dir,
				       r->attributes);
		else
#endif
		if (page)
			dma_unmap_page_attrs(probe->dev, r->dma, r->length, r->dir,
					     r->attributes);
		else
			dma_unmap_resource(probe->dev, r->dma, r->length, r->dir,
					   r->attributes);
		dmaprobe_look_back(r);
	}
	dmaprobe_report(probe, r);
}

static void dmaprobe_map_buffer(struct dmaprobe *probe, const char *op,
				unsigned int index, size_t offset, size_t length,
				enum dma_data_direction dir, const char *names,
				unsigned long attributes, bool by_phys)
{
	struct dmaprobe_buffer *buffer = &probe->buffer[index];
	struct dmaprobe_request request = {
		.op = op, .region = buffer->region, .dir = dir,
		.attribute_names = names, .attributes = attributes,
		.length = length,
	};

	if (!buffer->virt) {
		dmaprobe_absent(probe, op, buffer->region);
		return;
	}
	request.phys = buffer->phys + offset;
	request.virt = buffer->virt + offset;
	dmaprobe_map(probe, &request, by_phys);
}

static void dmaprobe_map_sg(struct dmaprobe *probe, unsigned int first,
			    unsigned int second, const char *region)
{
	struct dmaprobe_buffer *a = &probe->buffer[first];
	struct dmaprobe_buffer *b = &probe->buffer[second];
	struct dmaprobe_request request = {
		.op = "map_sg", .region = region, .dir = DMA_BIDIRECTIONAL,
		.attribute_names = "-", .length = 2 * PAGE_SIZE,
		.result = "error", .in = -1, .out = -1, .sync = -1,
	};
	struct scatterlist list[2];
	long before;

	if (!a->virt || !b->virt) {
		dmaprobe_absent(probe, "map_sg", region);
		return;
	}
	request.phys = a->phys;
	request.second = b->phys;
	sg_init_table(list, 2);
	sg_set_page(&list[0], virt_to_page(a->virt), PAGE_SIZE, 0);
	sg_set_page(&list[1], virt_to_page(b->virt), PAGE_SIZE, 0);
	before = dmaprobe_slots_used(probe);
	if (!dma_map_sg_attrs(probe->dev, list, 2, request.dir, 0)) {
		request.error = 1;
	} else {
		request.dma = sg_dma_address(&list[0]);
		dmaprobe_look(probe, &request, before);
		if (!probe->translated &&
		    dmaprobe_slot(probe, sg_dma_address(&list[1])))
			request.result = "bounce";
		dma_unmap_sg_attrs(probe->dev, list, 2, request.dir, 0);
	}
	dmaprobe_report(probe, &request);
}

static void dmaprobe_alloc(struct dmaprobe *probe, size_t length, gfp_t gfp,
			   const char *region, const char *names,
			   unsigned long attributes)
{
	struct dmaprobe_request request = {
		.op = "alloc_coherent", .region = region, .dir = DMA_BIDIRECTIONAL,
		.attribute_names = names, .length = length, .result = "error",
		.in = -1, .out = -1, .sync = -1,
	};
	long before = dmaprobe_slots_used(probe);
	void *cookie = dma_alloc_attrs(probe->dev, length, &request.dma,
				       gfp | __GFP_NOWARN, attributes);

	if (!cookie) {
		request.error = -ENOMEM;
	} else {
		request.phys = dmaprobe_behind(probe, request.dma);
		dmaprobe_look(probe, &request, before);
		dma_free_attrs(probe->dev, length, cookie, request.dma, attributes);
	}
	dmaprobe_report(probe, &request);
}

static void dmaprobe_alloc_pages(struct dmaprobe *probe, size_t length)
{
	struct dmaprobe_request request = {
		.op = "alloc_pages", .region = "gfp_kernel",
		.dir = DMA_BIDIRECTIONAL, .attribute_names = "-",
		.length = length, .result = "error", .in = -1, .out = -1, .sync = -1,
	};
	long before = dmaprobe_slots_used(probe);
	struct page *page = dma_alloc_pages(probe->dev, length, &request.dma,
					    request.dir, GFP_KERNEL | __GFP_NOWARN);

	if (!page) {
		request.error = -ENOMEM;
	} else {
		request.phys = page_to_phys(page);
		dmaprobe_look(probe, &request, before);
		dma_free_pages(probe->dev, length, page, request.dma, request.dir);
	}
	dmaprobe_report(probe, &request);
}

static void dmaprobe_resource(struct dmaprobe *probe)
{
	struct dmaprobe_request request = {
		.op = "map_resource", .region = "bar0", .dir = DMA_BIDIRECTIONAL,
		.attribute_names = "-", .length = PAGE_SIZE,
	};

	if (!(pci_resource_flags(probe->pdev, 0) & IORESOURCE_MEM) ||
	    pci_resource_len(probe->pdev, 0) < PAGE_SIZE) {
		dmaprobe_absent(probe, "map_resource", "bar0");
		return;
	}
	request.phys = pci_resource_start(probe->pdev, 0);
	dmaprobe_map(probe, &request, false);
#ifdef DMA_ATTR_MMIO
	request.op = "map_phys";
	request.attributes = DMA_ATTR_MMIO;
	request.attribute_names = "MMIO";
	dmaprobe_map(probe, &request, true);
#ifdef DMA_ATTR_CC_SHARED
	request.attributes = DMA_ATTR_MMIO | DMA_ATTR_CC_SHARED;
	request.attribute_names = "MMIO+CC_SHARED";
	dmaprobe_map(probe, &request, true);
#endif
#endif
}

/* Attributes that only dma_map_phys() knows. */
static void dmaprobe_phys(struct dmaprobe *probe, unsigned int index)
{
#ifdef DMA_ATTR_MMIO
	const enum dma_data_direction dir = DMA_BIDIRECTIONAL;

	dmaprobe_map_buffer(probe, "map_phys", index, 0, PAGE_SIZE, dir, "-", 0, true);
#ifdef DMA_ATTR_REQUIRE_COHERENT
	dmaprobe_map_buffer(probe, "map_phys", index, 0, PAGE_SIZE, dir,
			    "REQUIRE_COHERENT", DMA_ATTR_REQUIRE_COHERENT, true);
	dmaprobe_map_buffer(probe, "map_phys", index, 0x28, 24, dir,
			    "REQUIRE_COHERENT", DMA_ATTR_REQUIRE_COHERENT, true);
#endif
#ifdef DMA_ATTR_CC_SHARED
	dmaprobe_map_buffer(probe, "map_phys", index, 0, PAGE_SIZE, dir,
			    "CC_SHARED", DMA_ATTR_CC_SHARED, true);
#endif
#endif
}

void dmaprobe_requests(struct dmaprobe *probe)
{
	static const unsigned int pages[] = {
		DMAPROBE_LOW, DMAPROBE_DMA32, DMAPROBE_DMA32TOP, DMAPROBE_HIGH
	};
	static const unsigned int big[] = { DMAPROBE_BIG_DMA32, DMAPROBE_BIG_HIGH };
	static const size_t lengths[] = { 258048, 262144, 266240, 524288 };
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(pages); i++) {
		static const enum dma_data_direction dirs[] = {
			DMA_BIDIRECTIONAL, DMA_TO_DEVICE, DMA_FROM_DEVICE
		};

		for (j = 0; j < ARRAY_SIZE(dirs); j++)
			dmaprobe_map_buffer(probe, "map_page", pages[i], 0, PAGE_SIZE,
					    dirs[j], "-", 0, false);
		dmaprobe_map_buffer(probe, "map_page", pages[i], 0, PAGE_SIZE,
				    DMA_FROM_DEVICE, "SKIP_CPU_SYNC",
				    DMA_ATTR_SKIP_CPU_SYNC, false);
		dmaprobe_map_buffer(probe, "map_small", pages[i], 0x28, 24,
				    DMA_BIDIRECTIONAL, "-", 0, false);
		dmaprobe_phys(probe, pages[i]);
		cond_resched();
	}
	dmaprobe_map_buffer(probe, "map_small", DMAPROBE_KMALLOC, 0, 24,
			    DMA_BIDIRECTIONAL, "-", 0, false);
	for (i = 0; i < ARRAY_SIZE(big); i++) {
		dmaprobe_map_buffer(probe, "map_cross", big[i], 0x800, PAGE_SIZE,
				    DMA_BIDIRECTIONAL, "-", 0, false);
		for (j = 0; j < ARRAY_SIZE(lengths); j++)
			dmaprobe_map_buffer(probe, "map_big", big[i], 0, lengths[j],
					    DMA_BIDIRECTIONAL, "-", 0, false);
		cond_resched();
	}
	dmaprobe_map_sg(probe, DMAPROBE_HIGH, DMAPROBE_DMA32, "high+dma32");
	dmaprobe_map_sg(probe, DMAPROBE_DMA32, DMAPROBE_LOW, "dma32+low");
	dmaprobe_alloc(probe, PAGE_SIZE, GFP_KERNEL, "gfp_kernel", "-", 0);
	dmaprobe_alloc(probe, PAGE_SIZE, GFP_ATOMIC, "gfp_atomic", "-", 0);
	dmaprobe_alloc(probe, 1 << 20, GFP_KERNEL, "gfp_kernel", "-", 0);
	dmaprobe_alloc(probe, PAGE_SIZE, GFP_KERNEL, "gfp_kernel",
		       "NO_KERNEL_MAPPING", DMA_ATTR_NO_KERNEL_MAPPING);
#ifdef DMA_ATTR_CC_SHARED
	dmaprobe_alloc(probe, PAGE_SIZE, GFP_KERNEL, "gfp_kernel", "CC_SHARED",
		       DMA_ATTR_CC_SHARED);
#endif
	dmaprobe_alloc_pages(probe, PAGE_SIZE);
	dmaprobe_alloc_pages(probe, 256 << 10);
	dmaprobe_resource(probe);
}
