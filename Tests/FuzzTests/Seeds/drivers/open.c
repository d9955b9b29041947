MODULE_DEVICE_TABLE(pci, t);
t[] = {