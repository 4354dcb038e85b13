"""Build for the emulated board with the system's arm-none-eabi-gcc and the flags of the real board's core."""

from os.path import join

from SCons.Script import AlwaysBuild, Default, DefaultEnvironment

env = DefaultEnvironment()
startup = join(env.PioPlatform().get_dir(), "startup")
cortex_m = join(env.PioPlatform().get_dir(), "..", "..", "bare_metal", "cortex_m")
machine = ["-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"]
env.Replace(
    AR="arm-none-eabi-gcc-ar",
    AS="arm-none-eabi-gcc",
    CC="arm-none-eabi-gcc",
    CXX="arm-none-eabi-g++",
    LINK="arm-none-eabi-gcc",  # no C++ library: Debian packages it apart
    RANLIB="arm-none-eabi-gcc-ranlib",
    SIZETOOL="arm-none-eabi-size",
    SIZEPROGREGEXP=r"^(?:\.text|\.data|\.boot)\s+(\d+).*",
    SIZEDATAREGEXP=r"^(?:\.data|\.bss)\s+(\d+).*",
    SIZECHECKCMD="$SIZETOOL -A -d $SOURCES",
    PROGNAME="firmware",
    PROGSUFFIX=".elf",
    LDSCRIPT_PATH=join(startup, "memory.ld"),
)
env.Append(
    ASFLAGS=machine,
    ASPPFLAGS=["-x", "assembler-with-cpp", *machine],
    CFLAGS=["-std=c11"],
    CXXFLAGS=["-std=gnu++14", "-fno-exceptions", "-fno-rtti"],
    CCFLAGS=[*machine, "-ffunction-sections", "-fdata-sections", "-g"],
    LINKFLAGS=[
        *machine,
        "-nostartfiles",
        "--specs=nano.specs",
        "-Wl,--gc-sections",
        f"-L{cortex_m}",
    ],
)
env.BuildSources(join("$BUILD_DIR", "startup"), startup)
env.BuildSources(join("$BUILD_DIR", "cortex_m"), cortex_m)
program = env.BuildProgram()
AlwaysBuild(env.Alias("size", program, env.VerboseAction("$SIZEPRINTCMD", "Calculating size $SOURCE")))
Default(program)
