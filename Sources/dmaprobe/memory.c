// SPDX-License-Identifier: GPL-2.0
/* Buffers in every part of memory that decides a mapping. */
#include "dmaprobe.h"
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/slab.h>

#define DMAPROBE_QUIET (__GFP_NOWARN | __GFP_NORETRY)
/* 2 MiB; at most 1 GiB is held for a moment while looking for an address. */
#define DMAPROBE_CHUNK_ORDER 9
#define DMAPROBE_CHUNKS 512

static void dmaprobe_fill(struct dmaprobe_buffer *buffer, const char *region,
			  struct page *page, unsigned int order)
{
	buffer->region = region;
	if (!page)
		return;
	buffer->virt = page_address(page);
	buffer->phys = page_to_phys(page);
	buffer->order = order;
	buffer->size = PAGE_SIZE << order;
}

/* The next pages of the allocator, if they lie in [start, end). */
static struct page *dmaprobe_next_pages(gfp_t gfp, unsigned int order,
					phys_addr_t start, phys_addr_t end)
{
	struct page *page = alloc_pages(gfp | DMAPROBE_QUIET, order);

	if (!page)
		return NULL;
	if (page_to_phys(page) >= start &&
	    page_to_phys(page) + (PAGE_SIZE << order) <= end)
		return page;
	__free_pages(page, order);
	return NULL;
}

/*
 * A chunk that starts in [start, end). The page allocator cannot be asked for an
 * address: what lies elsewhere is held until the search is over.
 */
static struct page *dmaprobe_chunk_in(gfp_t gfp, phys_addr_t start,
				      phys_addr_t end)
{
	struct page **held, *found = NULL, *page;
	unsigned int count = 0;

	held = kcalloc(DMAPROBE_CHUNKS, sizeof(*held), GFP_KERNEL);
	if (!held)
		return NULL;
	while (count < DMAPROBE_CHUNKS) {
		page = alloc_pages(gfp | DMAPROBE_QUIET, DMAPROBE_CHUNK_ORDER);
		if (!page)
			break;
		if (page_to_phys(page) >= start && page_to_phys(page) < end) {
			found = page;
			break;
		}
		held[count++] = page;
	}
	while (count--)
		__free_pages(held[count], DMAPROBE_CHUNK_ORDER);
	kfree(held);
	return found;
}

/* Pages that lie in [start, end), after a search if need be. */
static struct page *dmaprobe_pages_in(gfp_t gfp, unsigned int order,
				      phys_addr_t start, phys_addr_t end)
{
	struct page *page = dmaprobe_next_pages(gfp, order, start, end);

	if (page)
		return page;
	page = dmaprobe_chunk_in(gfp, start, end);
	if (!page)
		return NULL;
	/* What is freed last is handed out first, if nobody comes between. */
	__free_pages(page, DMAPROBE_CHUNK_ORDER);
	return dmaprobe_next_pages(gfp, order, start, end);
}

int dmaprobe_memory_get(struct dmaprobe *probe)
{
	struct dmaprobe_buffer *buffer = probe->buffer;
	const phys_addr_t four_gib = (phys_addr_t)1 << 32;
	const phys_addr_t one_gib = (phys_addr_t)1 << 30;
	struct page *page;

	/* 512 KiB: twice what a bounce can hold. */
	dmaprobe_fill(&buffer[DMAPROBE_BIG_DMA32], "dma32big",
		      alloc_pages(GFP_KERNEL | GFP_DMA32 | DMAPROBE_QUIET, 7), 7);
	dmaprobe_fill(&buffer[DMAPROBE_BIG_HIGH], "highbig",
		      dmaprobe_pages_in(GFP_KERNEL, 7, four_gib, ~(phys_addr_t)0), 7);
	dmaprobe_fill(&buffer[DMAPROBE_LOW], "low",
		      alloc_pages(GFP_KERNEL | GFP_DMA | DMAPROBE_QUIET, 0), 0);
	dmaprobe_fill(&buffer[DMAPROBE_DMA32], "dma32",
		      alloc_pages(GFP_KERNEL | GFP_DMA32 | DMAPROBE_QUIET, 0), 0);
	page = dmaprobe_chunk_in(GFP_KERNEL | GFP_DMA32, one_gib, four_gib);
	dmaprobe_fill(&buffer[DMAPROBE_DMA32TOP], "dma32top", page,
		      DMAPROBE_CHUNK_ORDER);
	dmaprobe_fill(&buffer[DMAPROBE_HIGH], "high",
		      dmaprobe_pages_in(GFP_KERNEL, 0, four_gib, ~(phys_addr_t)0), 0);

	buffer[DMAPROBE_KMALLOC].region = "kmalloc";
	buffer[DMAPROBE_KMALLOC].virt = kmalloc(24, GFP_KERNEL);
	if (!buffer[DMAPROBE_KMALLOC].virt)
		return -ENOMEM;
	buffer[DMAPROBE_KMALLOC].phys = virt_to_phys(buffer[DMAPROBE_KMALLOC].virt);
	buffer[DMAPROBE_KMALLOC].size = 24;
	return 0;
}

void dmaprobe_memory_put(struct dmaprobe *probe)
{
	unsigned int index;

	for (index = 0; index < DMAPROBE_BUFFERS; index++) {
		struct dmaprobe_buffer *buffer = &probe->buffer[index];

		if (!buffer->virt)
			continue;
		if (index == DMAPROBE_KMALLOC)
			kfree(buffer->virt);
		else
			free_pages((unsigned long)buffer->virt, buffer->order);
		buffer->virt = NULL;
	}
}
