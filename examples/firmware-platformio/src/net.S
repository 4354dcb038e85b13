/* The file net.reds as constants of the program, 4-byte aligned as the runtime requires. */
    .section .rodata.net, "a", %progbits
    .balign 4
    .global net
net:
    .incbin "src/net.reds"
    .global net_end
net_end:
    .section .note.GNU-stack, "", %progbits
