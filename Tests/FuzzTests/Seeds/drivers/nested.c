int probe(struct device *dev)
{
	if (dma_set_mask(dev, dma_set_mask(dev, DMA_BIT_MASK(32)) || DMA_BIT_MASK(64)))
		return -1;
	return 0;
}
