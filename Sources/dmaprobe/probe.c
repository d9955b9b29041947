// SPDX-License-Identifier: GPL-2.0
/*
 * Loading the module asks the questions; unloading it leaves nothing behind.
 *
 *   insmod dmaprobe.ko                         QEMU's edu device
 *   insmod dmaprobe.ko device=0000:03:00.0     another device without a driver
 *
 * A mapping that the kernel refuses may log a warning with a stack trace: that is
 * an answer, not a fault. Do not load it on a machine with panic_on_warn.
 */
#include "dmaprobe.h"
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/utsname.h>

static char *device;
module_param(device, charp, 0444);
MODULE_PARM_DESC(device, "PCI address of the device; QEMU's edu device without");
static bool bound;
module_param(bound, bool, 0444);
MODULE_PARM_DESC(bound, "also use a device that has a driver: its transfers may break");
static int masks[32];
static int mask_count;
module_param_array(masks, int, &mask_count, 0444);
MODULE_PARM_DESC(masks, "bits of the masks; 0 is the mask that the device has");
static int buslimit;
module_param(buslimit, int, 0444);
MODULE_PARM_DESC(buslimit, "bits of dev->bus_dma_limit while probing; 0 leaves it");
static int settle = 30;
module_param(settle, int, 0444);
MODULE_PARM_DESC(settle, "milliseconds between masks, for lazy IOTLB flushes");

static const int default_masks[] = {
	0, 16, 20, 23, 24, 26, 28, 30, 31, 32, 33, 34, 36, 40, 47, 48, 52, 64
};

static u64 bits_to_mask(int bits)
{
	return bits == 64 ? ~0ULL : (1ULL << bits) - 1;
}

/* Sets both masks, and says what the device may reach now. */
static bool probe_set_mask(struct dmaprobe *probe, int bits)
{
	struct device *dev = probe->dev;
	int error = 0, coherent_error = 0;

	probe->mask_bits = bits;
	if (bits) {
		error = dma_set_mask(dev, bits_to_mask(bits));
		coherent_error = dma_set_coherent_mask(dev, bits_to_mask(bits));
	}
	dmaprobe_line(probe,
		      "mask=%d op=set_mask set=%d setc=%d dma_mask=0x%llx coherent_mask=0x%llx result=%s max=0x%llx opt=0x%llx required=0x%llx limited=%d",
		      bits, error, coherent_error,
		      (unsigned long long)dma_get_mask(dev),
		      (unsigned long long)dev->coherent_dma_mask,
		      error ? "error" : "ok",
		      (unsigned long long)dma_max_mapping_size(dev),
		      (unsigned long long)dma_opt_mapping_size(dev),
		      (unsigned long long)dma_get_required_mask(dev),
		      dma_addressing_limited(dev));
	return !error && !coherent_error;
}

static int probe_run(struct pci_dev *pdev)
{
	struct dmaprobe *probe;
	struct device *dev = &pdev->dev;
	u64 mask, coherent_mask, bus_limit;
	const int *list = mask_count ? masks : default_masks;
	int count = mask_count ? mask_count : ARRAY_SIZE(default_masks);
	int error, index;

	if (!dev->dma_mask)
		return -ENODEV;
	probe = kzalloc(sizeof(*probe), GFP_KERNEL);
	if (!probe)
		return -ENOMEM;
	probe->pdev = pdev;
	probe->dev = dev;
	probe->domain = iommu_get_domain_for_dev(dev);
	if (probe->domain)
		probe->translated = probe->domain->type == IOMMU_DOMAIN_DMA ||
				    probe->domain->type == IOMMU_DOMAIN_DMA_FQ;
	dmaprobe_find_pool(probe);
	error = dmaprobe_memory_get(probe);
	if (error)
		goto out;

	mask = *dev->dma_mask;
	coherent_mask = dev->coherent_dma_mask;
	bus_limit = dev->bus_dma_limit;
	if (buslimit)
		dev->bus_dma_limit = bits_to_mask(buslimit);
	dmaprobe_line(probe,
		      "begin release=%s device=%s id=%04x:%04x domain=%s untrusted=%d pool=0x%llx-0x%llx pool_force=%d bus_limit=%d cpus=%u",
		      init_utsname()->release, pci_name(pdev), pdev->vendor,
		      pdev->device, dmaprobe_domain_name(probe), pdev->untrusted,
		      (unsigned long long)probe->pool_start,
		      (unsigned long long)probe->pool_end, probe->pool_force, buslimit,
		      num_possible_cpus());
	for (index = 0; index < count; index++) {
		if (probe_set_mask(probe, list[index]))
			dmaprobe_requests(probe);
		msleep(settle);
	}
	dmaprobe_line(probe, "end lines=%u", probe->line + 1);

	/* A mask that the kernel would refuse today was there before: put it back. */
	if (dma_set_mask(dev, mask))
		*dev->dma_mask = mask;
	if (dma_set_coherent_mask(dev, coherent_mask))
		dev->coherent_dma_mask = coherent_mask;
	dev->bus_dma_limit = bus_limit;
out:
	dmaprobe_memory_put(probe);
	kfree(probe);
	return error;
}

static bool is_chosen(struct pci_dev *pdev)
{
	return !device || !strcmp(pci_name(pdev), device);
}

static int dmaprobe_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	static bool done;
	int error;

	if (done || !is_chosen(pdev))
		return -ENODEV;
	error = probe_run(pdev);
	if (!error)
		done = true;
	return error;
}

static void dmaprobe_remove(struct pci_dev *pdev)
{
}

static const struct pci_device_id dmaprobe_ids[] = {
	{ PCI_DEVICE(0x1234, 0x11e8) },	/* QEMU's edu */
	{ }
};
MODULE_DEVICE_TABLE(pci, dmaprobe_ids);

/*
 * A driver of its own: the core sets the device's DMA up at binding, keeps others
 * away meanwhile, and does not offer a device that has a driver.
 */
static struct pci_driver dmaprobe_driver = {
	.name = "dmaprobe",
	.id_table = dmaprobe_ids,
	.probe = dmaprobe_probe,
	.remove = dmaprobe_remove,
};

/* The device that was named, or NULL. */
static struct pci_dev *named_device(void)
{
	unsigned int segment, bus, slot, function;

	if (sscanf(device, "%x:%x:%x.%x", &segment, &bus, &slot, &function) != 4)
		return NULL;
	return pci_get_domain_bus_and_slot(segment, bus, PCI_DEVFN(slot, function));
}

static int __init dmaprobe_init(void)
{
	struct pci_dev *pdev;
	int error, index;

	for (index = 0; index < mask_count; index++) {
		if (masks[index] < 0 || masks[index] > 64) {
			pr_err("dmaprobe: masks has %d; accepted: 0 to 64\n",
			       masks[index]);
			return -EINVAL;
		}
	}
	if (buslimit && (buslimit < 12 || buslimit > 64)) {
		pr_err("dmaprobe: buslimit is %d; accepted: 0, 12 to 64\n", buslimit);
		return -EINVAL;
	}
	if (settle < 0 || settle > 10000) {
		pr_err("dmaprobe: settle is %d; accepted: 0 to 10000\n", settle);
		return -EINVAL;
	}
	if (!device)
		return pci_register_driver(&dmaprobe_driver);

	pdev = named_device();
	if (!pdev) {
		pr_err("dmaprobe: no PCI device %s; expected as 0000:03:00.0\n", device);
		return -ENODEV;
	}
	device_lock(&pdev->dev);
	if (pdev->dev.driver) {
		if (bound) {
			error = probe_run(pdev);
			device_unlock(&pdev->dev);
			pci_dev_put(pdev);
			return error ? error : pci_register_driver(&dmaprobe_driver);
		}
		pr_err("dmaprobe: %s has the driver %s; unbind it, or say bound=1\n",
		       device, pdev->dev.driver->name);
		device_unlock(&pdev->dev);
		pci_dev_put(pdev);
		return -EBUSY;
	}
	device_unlock(&pdev->dev);
	error = pci_register_driver(&dmaprobe_driver);
	if (!error) {
		error = pci_add_dynid(&dmaprobe_driver, pdev->vendor, pdev->device,
				      PCI_ANY_ID, PCI_ANY_ID, 0, 0, 0);
		if (error)
			pci_unregister_driver(&dmaprobe_driver);
	}
	pci_dev_put(pdev);
	return error;
}

static void __exit dmaprobe_exit(void)
{
	pci_unregister_driver(&dmaprobe_driver);
}

module_init(dmaprobe_init);
module_exit(dmaprobe_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("What this kernel does with the DMA mappings of one PCI device");
