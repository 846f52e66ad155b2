package io.vhost.bpf.elf;

/** Names of the machines whose objects are taken for BPF's by mistake. */
final class ElfMachine {
    private ElfMachine() {}

    /** The machine with this number, as people call it. */
    static String name(int machine) {
        String name = switch (machine) {
            case 3 -> "x86";
            case 8 -> "MIPS";
            case 21 -> "PowerPC 64";
            case 22 -> "s390";
            case 40 -> "Arm";
            case 62 -> "x86-64";
            case 183 -> "AArch64";
            case 243 -> "RISC-V";
            case ElfFile.BPF -> "BPF";
            case 258 -> "LoongArch";
            default -> "another machine";
        };
        return name + " (machine " + machine + ")";
    }
}
