COMPILER := arm-none-eabi-
FLAGS := -mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16
SPECS := nano.specs
