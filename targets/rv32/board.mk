COMPILER := riscv64-unknown-elf-
FLAGS := -march=rv32imac -misa-spec=2.2 -mabi=ilp32
SPECS := picolibc.specs
LINK := -Wl,--no-warn-rwx-segments
