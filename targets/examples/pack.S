/* A pack among the program's constants, 4-byte aligned: -DPACK='"my-net.reds"'. On a processor with kernels
 * of its own first bring the pack into their layout: `reds layout my-net.reds radix256 my-net.m4.reds`. */
    .section .rodata.pack, "a", %progbits
    .balign 4
    .global pack
pack:
    .incbin PACK
    .global pack_end
pack_end:
    .section .note.GNU-stack, "", %progbits
