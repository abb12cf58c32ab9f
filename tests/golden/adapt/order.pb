
x
sRz