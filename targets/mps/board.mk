# CORE: the processor, which decides on the machine.
CORE ?= cortex-m4
COMPILER := arm-none-eabi-
MACHINE_OF_cortex-m3 := MPS2_AN385
MACHINE_OF_cortex-m4 := MPS2_AN386
MACHINE_OF_cortex-m7 := MPS2_AN500
MACHINE_OF_cortex-m33 := MPS2_AN505
MACHINE_OF_cortex-m55 := MPS3_AN547
FLOATS_OF_cortex-m3 := -mfloat-abi=soft
FLAGS := -mcpu=$(CORE) -mthumb $(or $(FLOATS_OF_$(CORE)),-mfloat-abi=hard) -D$(MACHINE_OF_$(CORE))
PLACES := $(if $(filter %_AN505,$(MACHINE_OF_$(CORE))),0x10000000 0x38000000,0 0x20000000)
LINK := -Wl,--defsym=code_at=$(firstword $(PLACES)),--defsym=ram_at=$(lastword $(PLACES))
SPECS := nano.specs
