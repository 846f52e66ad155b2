/**
 * From an object file to programs that run: maps are made and filled, programs linked, helpers looked up,
 * the verifier asked, instructions compiled. {@link io.vhost.bpf.load.LoadedObject} is the way in.
 *
 * <p>A program that the verifier knows to end is compiled without a budget; what helpers call back is charged
 * all the same, and so is everything that is interpreted because it is too large to be compiled.
 *
 * <pre>{@code
 * LoadedObject loaded = LoadedObject.load(BpfObject.read(file), new MapFactory(1, 64 << 20));
 * Cpu cpu = new Cpu(0);
 * cpu.memory().context(context);
 * cpu.packet().set(room, 256, 256 + length, ContextLayout.XDP);
 * long action = loaded.program("filter").run(cpu, Address.CONTEXT, 0);
 * }</pre>
 *
 * <p>Not exported.
 */
package io.vhost.bpf.load;
