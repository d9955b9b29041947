int f(x) {
#if A
if (a) {
#else
if (b) {
#endif
dma_set_mask(d, (1 ? 2 : 3)); } ) } ] dma_set_mask(d, ((((
