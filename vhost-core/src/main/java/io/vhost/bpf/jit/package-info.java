/**
 * The compiler: an image becomes one hidden class, each of its functions one static method, each register a
 * {@code long} local. What the program refers to arrives as class data and is constant to the JVM's compiler.
 *
 * <p>A load or store of a known region is one access through an exact handle to that region's segment, with
 * the JVM's bounds check; others go by address. Accesses to a function's own frame are inside one slice of
 * the stack. Of a program that was verified, those that come together with the same base are in one slice of
 * their region. HotSpot makes no objects of these slices, and finds the checks inside them to be constant.
 *
 * <p>HotSpot never compiles methods of more than 8,000 bytes: a function that would become one is cut into
 * parts where the fewest jumps lead across ({@link io.vhost.bpf.jit.Parts}), each a method that takes the
 * registers from an array and leaves them there. Programs of more than 16,384 instructions are refused, and
 * the interpreter keeps them. The class goes when nobody refers to its object any more.
 *
 * <p>Constant time and branch prediction (Spectre) are no goals: programs are of the application's own
 * choosing. Not exported.
 */
package io.vhost.bpf.jit;
