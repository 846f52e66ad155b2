package io.vhost.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.vhost.peer.Peers;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Compiles BPF objects. */
public final class Clang {
    /** What every test source begins with; no header of the machine is needed. */
    private static final String HEAD = """
            typedef unsigned char __u8;
            typedef unsigned int __u32;
            typedef unsigned long long __u64;
            #define SEC(name) __attribute__((section(name), used))
            #define __noinline __attribute__((noinline))
            #define __uint(name, value) int (*name)[value]
            #define __type(name, value) typeof(value) *name
            struct xdp_md { __u32 data, data_end, data_meta, ingress_ifindex, rx_queue_index, \
            egress_ifindex; };
            struct __sk_buff { __u32 len, pkt_type, mark, queue_mapping, protocol; };
            char _license[] SEC("license") = "GPL";
            """;

    private static final Path PROGRAMS = Path.of("src", "test", "resources", "programs");

    private Clang() {}

    /** Compiles {@code source} for BPF and returns the object file; skips the test where clang is missing. */
    public static Path compile(Path folder, String name, String source, String... options)
            throws IOException, InterruptedException {
        return compile(folder, name, source, HEAD, options);
    }

    private static Path compile(Path folder, String name, String source, String begin, String... options)
            throws IOException, InterruptedException {
        Peers.require("clang");
        Path file = Files.writeString(folder.resolve(name + ".c"), source);
        Path head = Files.writeString(folder.resolve("head.h"), begin);
        Path object = folder.resolve(name + ".o");
        List<String> command = new ArrayList<>(List.of("clang", "-O2", "-g", "-target", "bpf", "-include",
                head.toString(), "-c", file.toString(), "-o", object.toString()));
        command.addAll(List.of(options));
        run(command.toArray(String[]::new));
        return object;
    }

    /** Compiles one of the programs in the test resources; skips the test where clang is missing. */
    public static Path program(Path folder, String name, String... options)
            throws IOException, InterruptedException {
        Peers.require("clang");
        Path object = folder.resolve(name + ".o");
        List<String> command = new ArrayList<>(List.of("clang", "-O2", "-g", "-target", "bpf", "-Wall",
                "-Werror", "-Wno-unused", "-c", PROGRAMS.resolve(name + ".c").toString(), "-o",
                object.toString()));
        command.addAll(List.of(options));
        run(command.toArray(String[]::new));
        return object;
    }

    /** The same as a program of tc, also where the source is one of XDP. */
    public static Path programOfTc(Path folder, String name, String... options)
            throws IOException, InterruptedException {
        String source = Files.readString(PROGRAMS.resolve(name + ".c")).replace("SEC(\"xdp\")", "SEC(\"tc\")")
                .replace("struct xdp_md *", "struct __sk_buff *");
        List<String> all = new ArrayList<>(List.of(options));
        all.addAll(List.of("-I", PROGRAMS.toString()));
        return compile(folder, name, source, "", all.toArray(String[]::new));
    }

    /** Runs a program to its end; what it printed. Fails the test if its exit status is not 0. */
    public static String run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), () -> String.join(" ", command) + ":\n" + output);
        return output;
    }
}
