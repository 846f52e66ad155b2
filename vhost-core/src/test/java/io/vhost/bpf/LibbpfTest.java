package io.vhost.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.bpf.btf.BtfKind;
import io.vhost.bpf.btf.BtfType;
import io.vhost.bpf.context.SectionName;
import io.vhost.peer.Peers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What libbpf finds in an object, as bpftool lets it say while it opens the object without loading it. */
@Tag("peer")
class LibbpfTest {
    private static final String OBJECT = """
            #define __array(name, value) typeof(value) *name[]
            struct flow { __u32 from, to; };
            struct inner { __uint(type, 2); __uint(max_entries, 4); __type(key, __u32);
                __type(value, __u64); } one SEC(".maps"), two SEC(".maps");
            struct { __uint(type, 12); __uint(max_entries, 2); __type(key, __u32);
                __array(values, struct inner); } outer SEC(".maps") = { .values = { &one, &two } };
            int pass(struct xdp_md *);
            struct { __uint(type, 3); __uint(max_entries, 2); __uint(key_size, 4);
                __array(values, int (struct xdp_md *)); } jumps SEC(".maps") = {
                .values = { (void *) &pass } };
            struct { __uint(type, 9); __uint(max_entries, 1024); __type(key, struct flow);
                __type(value, __u64); } flows SEC(".maps");
            struct { __uint(type, 27); __uint(max_entries, 4096); __uint(pinning, 1); } events SEC(".maps");
            struct { __uint(type, 11); __uint(max_entries, 10); __uint(map_flags, 1); __type(key, __u64);
                __type(value, __u32); } routes SEC(".maps");
            const volatile int limit = 100; static const volatile char text[3] = "ab";
            int total = 7, other = 8; long dropped; static volatile int own;
            int separate SEC(".data.separate") = 1;
            extern _Bool CONFIG_Z __attribute__((section(".kconfig"), weak));
            extern int CONFIG_A __attribute__((section(".kconfig"), weak));
            extern char CONFIG_TEXT[6] __attribute__((section(".kconfig"), weak));
            extern const void symbol __attribute__((section(".ksyms")));
            static void *(*lookup)(void *, const void *) = (void *) 1;
            static __noinline int parse(struct xdp_md *c, struct flow *f) {
                f->from = c->data; f->to = c->data_end; return f->from < f->to; }
            __noinline int account(struct xdp_md *c, int length) {
                total += length; own ^= c->data; return total; }
            __attribute__((weak)) __noinline int weak(struct xdp_md *c) { other++; return other; }
            SEC("xdp") int filter(struct xdp_md *c) { struct flow f = {}; void *found;
                if (parse(c, &f) || weak(c)) return 2;
                found = lookup(&flows, &f);
                if (found) dropped += account(c, CONFIG_A + CONFIG_Z + CONFIG_TEXT[f.from & 3] + separate);
                return limit + text[f.to & 1] + (long) &symbol + (lookup(&routes, &f) != 0)
                    + (lookup(&events, &f) != 0) + (lookup(&outer, &f) != 0) + (lookup(&jumps, &f) != 0); }
            SEC("xdp") int pass(struct xdp_md *c) { return 2; }
            SEC("?xdp/devmap") int optional(struct xdp_md *c) { return 2; }
            SEC("tc") int traffic(struct __sk_buff *c) { return c->len; }
            """;

    private static final Pattern FUNCTION = Pattern.compile(
            "sec '(.*)': found program '(.*)' at insn offset (\\d+) .* code size (\\d+) insns");
    private static final Pattern NUMBER =
            Pattern.compile("map '(.*)': found (\\S+)(?: = |.* sz = )(\\w+)\\.");
    private static final Pattern DATA =
            Pattern.compile("map '[^.']*(\\..*)' \\(global data\\).* flags (\\w+)\\.");
    private static final Pattern OPTION =
            Pattern.compile("extern \\(kcfg\\) #\\d+: .* off (\\d+), name (.*)");
    private static final Pattern SECTION = Pattern.compile("section\\(\\d+\\) (\\S+), size (\\d+),");

    @TempDir
    private Path folder;

    @BeforeEach
    void requirePeers() {
        Peers.require("clang", "bpftool", "llvm-strip", "llvm-objcopy");
    }

    @ParameterizedTest
    @ValueSource(strings = {"-O2 -mcpu=v1", "-O2 -mcpu=v2", "-O2 -mcpu=v3", "-O1", "-Os", "stripped",
        "linked", "without relocations"})
    void programsMapsAndOptionsAreTheSame(String how) throws Exception {
        Path object = how.startsWith("-") ? Clang.compile(folder, "object", OBJECT, how.split(" "))
                : Clang.compile(folder, "object", OBJECT);
        switch (how) {
            case "stripped" -> Clang.run("llvm-strip", "-g", object.toString());
            case "without relocations" ->
                    Clang.run("llvm-objcopy", "--remove-section=.rel.BTF", object.toString());
            case "linked" -> {
                Path linked = folder.resolve("linked.o");
                Clang.run("bpftool", "gen", "object", linked.toString(), object.toString());
                object = linked;
            }
            default -> { }
        }
        BpfObject ours = BpfObject.read(object);
        String theirs = open(object);
        assertEquals(functions(theirs), functions(ours));
        assertEquals(maps(theirs), maps(ours));
        assertEquals(options(theirs), options(ours));
        assertTrue(theirs.contains(" is " + ours.license() + "\n"), ours::license);
        assertEquals(List.of("account", "parse", "weak"), called(ours));
    }

    /** Newer versions know more names; none has lost one since 1.0. */
    @Test
    void sectionNamesAreThoseOfLibbpf() throws Exception {
        Path object = Clang.compile(folder, "names",
                "SEC(\"nothing\") int program(struct xdp_md *c) { return 0; }");
        String names = said("bpftool", "prog", "load", object.toString(), folder.resolve("pin").toString())
                .lines().filter(line -> line.contains("section(type) names are: ")).findFirst().orElseThrow();
        Set<String> missing = new TreeSet<>(List.of(names.substring(names.indexOf("are: ") + 5).split(" ")));
        assertTrue(missing.size() > 80, names);
        SectionName.all().forEach(name -> missing.remove(name.pattern()));
        assertEquals(Set.of(), missing);
    }

    /** libbpf refuses maps of the old kind since 1.0, so their numbers are those of the source. */
    @Test
    void mapsOfTheOldKindAreRead() throws Exception {
        String source = """
                struct bpf_map_def { unsigned type, key_size, value_size, max_entries, map_flags; };
                struct bpf_map_def SEC("maps") counts = { 2, 4, 8, 256 };
                struct bpf_map_def SEC("maps") flows = { 1, 6, 16, 10, 1 };
                SEC("xdp") int pass(struct xdp_md *c) { return 2; }
                """;
        for (String target : List.of("--target=bpfel", "--target=bpfeb")) {
            assertEquals(List.of(new BpfMap("counts", 2, 4, 8, 256, 0, "", ""),
                    new BpfMap("flows", 1, 6, 16, 10, 1, "", "")),
                    BpfObject.read(Clang.compile(folder, "old", source, target)).maps());
        }
    }

    @Test
    void tablesOfOperationsAreMaps() throws Exception {
        BpfObject object = BpfObject.read(Clang.compile(folder, "operations", """
                struct tcp_congestion_ops { int (*ssthresh)(void *); char name[16]; };
                SEC("struct_ops/mine") int mine(__u64 *c) { return 2; }
                SEC(".struct_ops") struct tcp_congestion_ops table = { (void *) mine, "mine" };
                """));
        assertEquals(List.of(new BpfMap("table", 26, 4, 24, 1, 0, "", "struct tcp_congestion_ops")),
                object.maps());
    }

    @Test
    void aStaticProgramIsRefusedByBoth() throws Exception {
        Path object = Clang.compile(folder, "hidden",
                "static SEC(\"xdp\") int hidden(struct xdp_md *c) { return 2; }");
        assertTrue(open(object).contains("program 'hidden' is static and not supported"));
        BpfException refusal = assertThrows(BpfException.class, () -> BpfObject.read(object));
        assertEquals(BpfException.Stage.OBJECT, refusal.stage());
        assertEquals("program hidden in section xdp is static: loaders take global functions only",
                refusal.text());
    }

    /** What libbpf says while it opens an object, whether it succeeds or not. */
    private static String open(Path object) throws Exception {
        return said("bpftool", "-d", "gen", "skeleton", object.toString());
    }

    private static String said(String... command) throws Exception {
        Process process = new ProcessBuilder(command).redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
        String said = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
        process.waitFor();
        return said;
    }

    private static Stream<MatchResult> all(Pattern pattern, String text) {
        return text.lines().map(pattern::matcher).filter(Matcher::find).map(Matcher::toMatchResult);
    }

    private static Set<String> functions(String theirs) {
        Set<String> found = new TreeSet<>();
        all(FUNCTION, theirs).forEach(m -> found.add(m.group(1) + " " + m.group(2) + " " + m.group(3) + " "
                + m.group(4)));
        return found;
    }

    private static Set<String> functions(BpfObject ours) {
        Set<String> found = new TreeSet<>();
        for (BpfProgram program : ours.programs()) {
            Stream.concat(Stream.of(program.function()), program.called().stream()).forEach(f ->
                    found.add(f.section() + " " + f.name() + " " + f.offset() / 8 + " " + f.instructions()));
        }
        return found;
    }

    private static List<String> called(BpfObject ours) {
        return ours.programs().stream().filter(program -> program.name().equals("filter")).findFirst()
                .orElseThrow().called().stream().map(BpfFunction::name).sorted().toList();
    }

    private static Map<String, Map<String, String>> maps(String theirs) {
        Map<String, Map<String, String>> maps = new TreeMap<>();
        all(NUMBER, theirs).filter(m -> !m.group(1).contains(".") && !m.group(2).equals("pinning"))
                .forEach(m -> maps.computeIfAbsent(m.group(1), key -> new TreeMap<>())
                        .put(m.group(2).replace("_size", ""), m.group(3).replace("0x", "")));
        Map<String, String> sizes = new TreeMap<>();
        all(SECTION, theirs).forEach(m -> sizes.put(m.group(1), m.group(2)));
        all(DATA, theirs).forEach(m -> maps.put(m.group(1),
                new TreeMap<>(Map.of("type", "2", "key", "4", "value",
                m.group(1).equals(".kconfig") ? "11" : sizes.get(m.group(1)), "max_entries", "1", "map_flags",
                m.group(2)))));
        return maps;
    }

    private static Map<String, Map<String, String>> maps(BpfObject ours) {
        Map<String, Map<String, String>> maps = new TreeMap<>();
        for (BpfMap map : ours.maps()) {
            Map<String, String> numbers = new TreeMap<>();
            put(numbers, "type", map.type(), 10);
            put(numbers, "key", map.keySize(), 10);
            // libbpf does not say that it makes this 4 for maps that hold maps or programs.
            put(numbers, "value", map.type() == 12 || map.type() == 3 ? 0 : map.valueSize(), 10);
            put(numbers, "max_entries", map.maxEntries(), 10);
            put(numbers, "map_flags", map.flags(), 16);
            maps.put(map.name(), numbers);
        }
        assertEquals(List.of(4L, "struct inner"), holds(ours, "outer"));
        assertEquals(List.of(4L, "int (struct xdp_md *)"), holds(ours, "jumps"));
        return maps;
    }

    private static List<Object> holds(BpfObject ours, String name) {
        BpfMap map = ours.maps().stream().filter(m -> m.name().equals(name)).findFirst().orElseThrow();
        return List.of(map.valueSize(), map.valueType());
    }

    private static void put(Map<String, String> numbers, String name, long value, int radix) {
        if (value != 0) {
            numbers.put(name, Long.toString(value, radix));
        }
    }

    private static List<String> options(String theirs) {
        List<String> found = new ArrayList<>();
        all(OPTION, theirs).forEach(m -> found.add(m.group(2) + "@" + m.group(1)));
        return found.stream().sorted().toList();
    }

    private static List<String> options(BpfObject ours) {
        int section = ours.btf().find(BtfKind.DATASEC, ".kconfig");
        return ((BtfType.Section) ours.btf().type(section)).variables().stream()
                .map(placed -> ours.btf().name(placed.variable()) + "@" + placed.offset()).sorted().toList();
    }
}
