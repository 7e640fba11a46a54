package dev.ublk4j.rbd;

import java.lang.foreign.SymbolLookup;

/** The functions of {@code rados/librados.h} that are called; see there for what they do. */
final class Librados {
    private static final SymbolLookup LIBRARY = CephLibrary.rados();

    static final NativeFunction CREATE = NativeFunction.of(LIBRARY, "rados_create2", 4);
    static final NativeFunction CONF_READ_FILE = of("rados_conf_read_file", 2);
    static final NativeFunction CONF_PARSE_ENV = of("rados_conf_parse_env", 2);
    static final NativeFunction CONF_SET = of("rados_conf_set", 3);
    static final NativeFunction CONF_GET = of("rados_conf_get", 4);
    static final NativeFunction CONNECT = of("rados_connect", 1);
    static final NativeFunction SHUTDOWN = of("rados_shutdown", 1);
    static final NativeFunction POOL_LIST = of("rados_pool_list", 3);
    static final NativeFunction IOCTX_CREATE = of("rados_ioctx_create", 3);
    static final NativeFunction IOCTX_DESTROY = of("rados_ioctx_destroy", 1);
    static final NativeFunction IOCTX_SET_NAMESPACE = of("rados_ioctx_set_namespace", 2);

    private Librados() {}

    private static NativeFunction of(String name, int arguments) {
        return NativeFunction.of(LIBRARY, name, arguments);
    }
}
