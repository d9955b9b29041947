#include "a.h"
#define A(n) DMA_BIT_MASK(n)
#define B A(B)
enum e { X = 3, Y };
static u64 m = 0xffffffff;
int f(struct device *dev, u64 k)
{
	u64 mask = k ? A(40) : ~0ULL;
again:
	if (dma_set_mask(dev, mask) || dma_set_coherent_mask(dev, B)) {
		mask = DMA_BIT_MASK(Y);
		goto again;
	}
	dev->dma_mask = &m;
	return dma_map(dev, DMA_ATTR_NO_WARN);
}
static const struct pci_device_id t[] = { { PCI_DEVICE(1, 2) }, { 0x8086, 3 }, { } };
MODULE_DEVICE_TABLE(pci, t);
