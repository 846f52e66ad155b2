package io.vhost.bpf.rules;

import io.vhost.bpf.helper.Argument;
import io.vhost.bpf.helper.HelperPrototype;
import io.vhost.bpf.range.Scalar;
import io.vhost.bpf.state.Reg;
import io.vhost.bpf.state.RegKind;

/** The arguments of one call of a helper against its prototype. One object, one call. */
final class Arguments {
    private final Site site;
    private final HelperPrototype helper;
    private Reg map;
    private int constantSize;
    private Reg record;
    private Reg lock;
    private Reg function;
    private long key = -1;

    Arguments(Site site, HelperPrototype helper) {
        this.site = site;
        this.helper = helper;
    }

    Reg map() {
        return map;
    }

    /** The key, if it is known, or -1. */
    long key() {
        return key;
    }

    int constantSize() {
        return constantSize;
    }

    Reg record() {
        return record;
    }

    Reg lock() {
        return lock;
    }

    Reg function() {
        return function;
    }

    void check() {
        for (int i = 0; i < helper.arguments().size(); i++) {
            check(1 + i, helper.arguments().get(i));
        }
    }

    private void check(int register, Argument argument) {
        Reg reg = site.read(register);
        switch (argument) {
            case ANYTHING -> { }
            case CONTEXT -> {
                require(register, reg, reg.kind() == RegKind.CONTEXT, "ctx", "pass the context");
                require(register, reg, reg.off() == 0 && reg.number().is(0), "ctx",
                        "pass the context as the program got it");
            }
            case MAP -> map(register, reg);
            case MAP_KEY -> {
                memory(register, reg, spec(register).spec().keySize(), false, true);
                key = constantKey(reg, spec(register).spec().keySize());
            }
            case MAP_VALUE -> memory(register, reg, spec(register).spec().valueSize(), false, true);
            case MAP_VALUE_OUT -> memory(register, reg, spec(register).spec().valueSize(), true, true);
            case MEMORY, MEMORY_OR_NULL, MEMORY_OUT -> { }   // with its size
            case SIZE -> size(register, reg, false);
            case SIZE_OR_ZERO -> size(register, reg, true);
            case CONSTANT_SIZE -> {
                boolean fits = reg.isNumber() && reg.number().isConstant() && reg.number().smin() >= 0
                        && reg.number().smin() <= PointerMath.MAX_OFFSET;
                require(register, reg, fits, "a known constant", "pass a constant size");
                constantSize = (int) reg.number().umin();
            }
            case RECORD -> {
                require(register, reg, reg.kind() == RegKind.RECORD && !reg.orNull(), "ringbuf_mem",
                        "pass the record that bpf_ringbuf_reserve returned, after comparing it with NULL");
                require(register, reg, reg.off() == 0 && reg.number().is(0), "ringbuf_mem",
                        "pass the record's first byte");
                record = reg;
            }
            case SPIN_LOCK -> lock(register, reg);
            case FUNCTION -> {
                require(register, reg, reg.kind() == RegKind.FUNCTION, "func", "pass a static function");
                function = reg;
            }
            case STACK_OR_NULL -> require(register, reg, reg.isZero() || reg.kind() == RegKind.STACK, "fp",
                    "pass an address in the stack, or NULL");
        }
    }

    private void require(int register, Reg reg, boolean condition, String expected, String remedy) {
        if (!condition) {
            throw Site.refuse(remedy + " to " + helper.name() + " as argument " + register, "R" + register
                    + " type=" + reg.kind().text() + (reg.orNull() ? "_or_null" : "") + " expected="
                    + expected);
        }
    }

    private void map(int register, Reg reg) {
        require(register, reg, reg.kind() == RegKind.MAP && !reg.orNull(), "map_ptr",
                reg.orNull() ? "compare the inner map with NULL, then pass it" : "pass the address of a map");
        require(register, reg, reg.off() == 0 && reg.number().is(0), "map_ptr", "pass the map as it is");
        map = reg;
        MapFacts facts = spec(register);
        if (!Maps.fits(facts.spec(), helper.id())) {
            throw Site.refuse("use " + helper.name() + " with a map of another type than that of "
                    + facts.spec().name(), "cannot pass map_type " + facts.spec().type() + " into func "
                    + helper.name() + "#" + helper.id());
        }
        if (Maps.writes(helper.id()) && Maps.isReadOnly(facts.spec())) {
            throw Site.refuse("leave " + facts.spec().name() + " as it is, programs may only read it",
                    "write into map forbidden");
        }
    }

    private long constantKey(Reg reg, int size) {
        return reg.kind() == RegKind.STACK && reg.number().isConstant() && size == Integer.BYTES
                ? site.state.frame(reg.which()).stack().word((int) (reg.off() + reg.number().smin())) : -1;
    }

    private MapFacts spec(int register) {
        if (map == null) {
            throw Site.refuse("give " + helper.name() + " a map before argument " + register,
                    "invalid map_ptr to access map->key");
        }
        return site.facts(map);
    }

    private void size(int register, Reg reg, boolean zero) {
        Argument before = helper.arguments().get(register - 2);
        Reg memory = site.read(register - 1);
        require(register, reg, reg.isNumber(), "scalar", "pass a number of bytes");
        Scalar size = reg.number();
        if (size.smin() < 0) {
            throw Site.refuse("bound the size from below: use an unsigned number, or mask it with &", "R"
                    + register + " min value is negative, either use unsigned or 'var &= const'");
        }
        if (!zero && size.umin() == 0) {
            throw Site.refuse("pass a size above 0", "R" + register + " invalid zero-sized read: u64=["
                    + size.umin() + "," + size.umax() + "]");
        }
        if (size.umax() >= PointerMath.MAX_OFFSET) {
            throw Site.refuse("bound the size from above: compare it, or mask it with &", "R" + register
                    + " unbounded memory access, use 'var &= const' or 'if (var < const)'");
        }
        boolean isNull = memory.isZero() && before == Argument.MEMORY_OR_NULL;
        if (isNull && zero && size.is(0)) {
            return;
        }
        memory(register - 1, memory, size.umax(), before == Argument.MEMORY_OUT, size.isConstant());
    }

    private void memory(int register, Reg reg, long size, boolean written, boolean sizeKnown) {
        boolean fits = switch (reg.kind()) {
            case STACK, PACKET, PACKET_META, MAP_VALUE, RECORD -> !reg.orNull();
            default -> false;
        };
        require(register, reg, fits, "fp, pkt, pkt_meta, map_value, ringbuf_mem", reg.orNull()
                ? Remedies.CHECK_NULL + ", and pass it" : "pass the address of memory");
        if (reg.kind() == RegKind.STACK) {
            Stack.given(site, register, reg, size, written, sizeKnown);
        } else {
            Bounded.check(site, register, reg, 0, (int) size, written);
        }
    }

    private void lock(int register, Reg reg) {
        require(register, reg, reg.kind() == RegKind.MAP_VALUE && !reg.orNull(), "map_value",
                "pass a lock in a map's value");
        int at = site.facts(reg).lockAt();
        if (at < 0 || !reg.number().is(0) || reg.off() != at) {
            throw Site.refuse("give the map's value a struct bpf_spin_lock, and pass its address", at < 0
                    ? "map '" + site.facts(reg).spec().name() + "' has no valid bpf_spin_lock"
                    : "off " + reg.off() + " doesn't point to 'struct bpf_spin_lock' that is at " + at);
        }
        lock = reg;
    }
}
