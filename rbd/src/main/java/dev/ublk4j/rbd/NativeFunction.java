package dev.ublk4j.rbd;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.Arrays;

/**
 * A C function of integers and pointers, for what is called seldom. Pointers and integers are
 * passed as 64-bit integers, which is how both architectures pass them.
 */
@SuppressWarnings("restricted") // links downcalls and up-calls: the reason this class exists
final class NativeFunction {
    private static final Linker LINKER = Linker.nativeLinker();

    /** {@code char *strerror(int)} of the C library. */
    static final NativeFunction STRERROR =
            new NativeFunction("strerror", LINKER.defaultLookup().findOrThrow("strerror"), true, 1);

    /** The longest text that is read from the library. */
    private static final long LONGEST_TEXT = 4096;

    private final String name;
    private final MethodHandle handle;

    private NativeFunction(String name, MemorySegment symbol, boolean isLong, int arguments) {
        this.name = name;
        MemoryLayout[] types = new MemoryLayout[arguments];
        Arrays.fill(types, JAVA_LONG);
        MethodHandle linked =
                LINKER.downcallHandle(
                        symbol, FunctionDescriptor.of(isLong ? JAVA_LONG : JAVA_INT, types));
        this.handle =
                linked.asSpreader(long[].class, arguments)
                        .asType(MethodType.methodType(long.class, long[].class));
    }

    /** Links a function that returns an {@code int}, or nothing that matters. */
    static NativeFunction of(SymbolLookup library, String name, int arguments) {
        return new NativeFunction(name, library.findOrThrow(name), false, arguments);
    }

    /** Links a function that returns a 64-bit integer. */
    static NativeFunction ofLong(SymbolLookup library, String name, int arguments) {
        return new NativeFunction(name, library.findOrThrow(name), true, arguments);
    }

    /** Links a function for a class that calls it by {@code invokeExact}. */
    static MethodHandle handle(SymbolLookup library, String name, FunctionDescriptor type) {
        return LINKER.downcallHandle(library.findOrThrow(name), type);
    }

    /** {@return a pointer to a static method of a class, for the life of the process} */
    static long upcall(MethodHandles.Lookup lookup, String method, FunctionDescriptor type) {
        try {
            MethodHandle target =
                    lookup.findStatic(lookup.lookupClass(), method, type.toMethodType());
            return LINKER.upcallStub(target, type, Arena.global()).address();
        } catch (ReflectiveOperationException e) {
            throw new LinkageError(e.getMessage(), e);
        }
    }

    /** {@return the text that a pointer leads to, empty for none} */
    static String text(long address) {
        return address == 0
                ? ""
                : MemorySegment.ofAddress(address).reinterpret(LONGEST_TEXT).getString(0);
    }

    /** {@return what lies at an address} */
    static MemorySegment memory(long address, long bytes) {
        return MemorySegment.ofAddress(address).reinterpret(bytes);
    }

    /** {@return what the function returns} */
    long call(long... arguments) {
        try {
            return (long) handle.invokeExact(arguments);
        } catch (Error | RuntimeException e) {
            throw e; // the heap or the stack has ended before the call
        } catch (Throwable e) {
            throw new AssertionError(name + " throws nothing that is checked", e);
        }
    }

    /** {@return the text that the function returns} */
    String textOf(long... arguments) {
        return text(call(arguments));
    }

    @Override
    public String toString() {
        return name;
    }
}
