/*
 * Prints what the Java side of the io_uring interface has to agree with, one "Class.CONSTANT value"
 * a line. The script "regenerate" compiles and runs it.
 */
#include <linux/falloc.h>
#include <linux/io_uring.h>
#include <linux/time_types.h>
#include <linux/version.h>
#include <asm/poll.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>

#define VALUE(class, name) printf(#class "." #name " %lld\n", (long long)(name))
#define OPCODE(name) printf("Opcode." #name " %d\n", IORING_OP_##name)
#define SIZE(name, type) printf(name " %zu\n", sizeof(type))
#define OFFSET(name, type, member) printf(name " %zu\n", offsetof(type, member))

int main(void)
{
	printf("# Linux %d.%d, printed by io_uring_fixture.c.\n", LINUX_VERSION_MAJOR,
	       LINUX_VERSION_PATCHLEVEL);
	SIZE("Sqe.BYTES", struct io_uring_sqe);
	printf("Sqe.BYTES_128 %zu\n", 2 * sizeof(struct io_uring_sqe));
	OFFSET("Sqe.OPCODE", struct io_uring_sqe, opcode);
	OFFSET("Sqe.FLAGS", struct io_uring_sqe, flags);
	OFFSET("Sqe.FD", struct io_uring_sqe, fd);
	OFFSET("Sqe.OFF", struct io_uring_sqe, off);
	OFFSET("Sqe.CMD_OP", struct io_uring_sqe, cmd_op);
	OFFSET("Sqe.ADDR", struct io_uring_sqe, addr);
	OFFSET("Sqe.LEN", struct io_uring_sqe, len);
	OFFSET("Sqe.RW_FLAGS", struct io_uring_sqe, rw_flags);
	OFFSET("Sqe.USER_DATA", struct io_uring_sqe, user_data);
	OFFSET("Sqe.BUF_INDEX", struct io_uring_sqe, buf_index);
	OFFSET("Sqe.CMD", struct io_uring_sqe, cmd);
	OFFSET("Sqe.ATTR_PTR", struct io_uring_sqe, attr_ptr);
	OFFSET("Sqe.ATTR_TYPE_MASK", struct io_uring_sqe, attr_type_mask);

	SIZE("Cqe.BYTES", struct io_uring_cqe);
	OFFSET("Cqe.USER_DATA", struct io_uring_cqe, user_data);
	OFFSET("Cqe.RES", struct io_uring_cqe, res);
	OFFSET("Cqe.FLAGS", struct io_uring_cqe, flags);

	SIZE("RingSetup.PARAMS_BYTES", struct io_uring_params);
	OFFSET("RingSetup.PARAMS_SQ_ENTRIES", struct io_uring_params, sq_entries);
	OFFSET("RingSetup.PARAMS_CQ_ENTRIES", struct io_uring_params, cq_entries);
	OFFSET("RingSetup.PARAMS_FLAGS", struct io_uring_params, flags);
	OFFSET("RingSetup.PARAMS_FEATURES", struct io_uring_params, features);
	OFFSET("RingSetup.PARAMS_SQ_OFF", struct io_uring_params, sq_off);
	OFFSET("RingSetup.PARAMS_CQ_OFF", struct io_uring_params, cq_off);
	OFFSET("RingSetup.SQ_OFF_HEAD", struct io_sqring_offsets, head);
	OFFSET("RingSetup.SQ_OFF_TAIL", struct io_sqring_offsets, tail);
	OFFSET("RingSetup.SQ_OFF_FLAGS", struct io_sqring_offsets, flags);
	OFFSET("RingSetup.SQ_OFF_ARRAY", struct io_sqring_offsets, array);
	OFFSET("RingSetup.CQ_OFF_HEAD", struct io_cqring_offsets, head);
	OFFSET("RingSetup.CQ_OFF_TAIL", struct io_cqring_offsets, tail);
	OFFSET("RingSetup.CQ_OFF_CQES", struct io_cqring_offsets, cqes);

	SIZE("Enter.GETEVENTS_ARG_BYTES", struct io_uring_getevents_arg);
	OFFSET("Enter.GETEVENTS_ARG_TS", struct io_uring_getevents_arg, ts);
	SIZE("Enter.TIMESPEC_BYTES", struct __kernel_timespec);
	OFFSET("Enter.TIMESPEC_SEC", struct __kernel_timespec, tv_sec);
	OFFSET("Enter.TIMESPEC_NSEC", struct __kernel_timespec, tv_nsec);

	SIZE("Registration.RSRC_REGISTER_BYTES", struct io_uring_rsrc_register);
	OFFSET("Registration.RSRC_REGISTER_NR", struct io_uring_rsrc_register, nr);
	OFFSET("Registration.RSRC_REGISTER_FLAGS", struct io_uring_rsrc_register, flags);
	OFFSET("Registration.RSRC_REGISTER_DATA", struct io_uring_rsrc_register, data);
	SIZE("Registration.RSRC_UPDATE2_BYTES", struct io_uring_rsrc_update2);
	OFFSET("Registration.RSRC_UPDATE2_OFFSET", struct io_uring_rsrc_update2, offset);
	OFFSET("Registration.RSRC_UPDATE2_DATA", struct io_uring_rsrc_update2, data);
	OFFSET("Registration.RSRC_UPDATE2_TAGS", struct io_uring_rsrc_update2, tags);
	OFFSET("Registration.RSRC_UPDATE2_NR", struct io_uring_rsrc_update2, nr);
	SIZE("Registration.BUF_REG_BYTES", struct io_uring_buf_reg);
	OFFSET("Registration.BUF_REG_RING_ADDR", struct io_uring_buf_reg, ring_addr);
	OFFSET("Registration.BUF_REG_RING_ENTRIES", struct io_uring_buf_reg, ring_entries);
	OFFSET("Registration.BUF_REG_BGID", struct io_uring_buf_reg, bgid);
	OFFSET("Registration.BUF_REG_FLAGS", struct io_uring_buf_reg, flags);
	SIZE("Registration.SYNC_CANCEL_BYTES", struct io_uring_sync_cancel_reg);
	OFFSET("Registration.SYNC_CANCEL_FD", struct io_uring_sync_cancel_reg, fd);
	OFFSET("Registration.SYNC_CANCEL_FLAGS", struct io_uring_sync_cancel_reg, flags);
	OFFSET("Registration.SYNC_CANCEL_TIMEOUT", struct io_uring_sync_cancel_reg, timeout);
	SIZE("Registration.IOVEC_BYTES", struct iovec);
	OFFSET("Registration.IOVEC_BASE", struct iovec, iov_base);
	OFFSET("Registration.IOVEC_LEN", struct iovec, iov_len);

	SIZE("BufferRing.BUF_BYTES", struct io_uring_buf);
	OFFSET("BufferRing.BUF_ADDR", struct io_uring_buf, addr);
	OFFSET("BufferRing.BUF_LEN", struct io_uring_buf, len);
	OFFSET("BufferRing.BUF_BID", struct io_uring_buf, bid);
	OFFSET("BufferRing.TAIL", struct io_uring_buf_ring, tail);

	SIZE("RingFeatures.PROBE_BYTES", struct io_uring_probe);
	OFFSET("RingFeatures.PROBE_OPS_LEN", struct io_uring_probe, ops_len);
	SIZE("RingFeatures.PROBE_OP_BYTES", struct io_uring_probe_op);
	OFFSET("RingFeatures.PROBE_OP_FLAGS", struct io_uring_probe_op, flags);

	VALUE(Poll, POLLIN);
	VALUE(Poll, POLLOUT);
	VALUE(Poll, POLLERR);
	VALUE(Poll, POLLHUP);
	VALUE(Fallocate, FALLOC_FL_KEEP_SIZE);
	VALUE(Fallocate, FALLOC_FL_PUNCH_HOLE);
	VALUE(Fallocate, FALLOC_FL_ZERO_RANGE);

	VALUE(IoUring, IOSQE_FIXED_FILE);
	VALUE(IoUring, IOSQE_IO_DRAIN);
	VALUE(IoUring, IOSQE_IO_LINK);
	VALUE(IoUring, IOSQE_IO_HARDLINK);
	VALUE(IoUring, IOSQE_ASYNC);
	VALUE(IoUring, IOSQE_BUFFER_SELECT);
	VALUE(IoUring, IOSQE_CQE_SKIP_SUCCESS);
	VALUE(IoUring, IORING_RW_ATTR_FLAG_PI);
	VALUE(IoUring, MSG_WAITALL);
	VALUE(IoUring, IORING_CQE_F_BUFFER);
	VALUE(IoUring, IORING_CQE_F_MORE);
	VALUE(IoUring, IORING_CQE_F_BUF_MORE);
	VALUE(IoUring, IORING_CQE_BUFFER_SHIFT);
	VALUE(IoUring, IORING_URING_CMD_FIXED);
	VALUE(IoUring, IORING_URING_CMD_MULTISHOT);
	VALUE(IoUring, IORING_SETUP_CQSIZE);
	VALUE(IoUring, IORING_SETUP_SUBMIT_ALL);
	VALUE(IoUring, IORING_SETUP_COOP_TASKRUN);
	VALUE(IoUring, IORING_SETUP_TASKRUN_FLAG);
	VALUE(IoUring, IORING_SETUP_SQE128);
	VALUE(IoUring, IORING_SETUP_SINGLE_ISSUER);
	VALUE(IoUring, IORING_SETUP_DEFER_TASKRUN);
	VALUE(IoUring, IORING_SETUP_NO_SQARRAY);
	VALUE(IoUring, IORING_FEAT_SINGLE_MMAP);
	VALUE(IoUring, IORING_FEAT_NODROP);
	VALUE(IoUring, IORING_FEAT_SUBMIT_STABLE);
	VALUE(IoUring, IORING_FEAT_EXT_ARG);
	VALUE(IoUring, IORING_FEAT_RSRC_TAGS);
	VALUE(IoUring, IORING_OFF_SQ_RING);
	VALUE(IoUring, IORING_OFF_SQES);
	VALUE(IoUring, IORING_SQ_CQ_OVERFLOW);
	VALUE(IoUring, IORING_SQ_TASKRUN);
	VALUE(IoUring, IORING_ENTER_GETEVENTS);
	VALUE(IoUring, IORING_ENTER_EXT_ARG);
	VALUE(IoUring, IORING_ENTER_REGISTERED_RING);
	VALUE(IoUring, IORING_FSYNC_DATASYNC);
	VALUE(IoUring, IORING_POLL_ADD_MULTI);
	VALUE(IoUring, IORING_ASYNC_CANCEL_ALL);
	VALUE(IoUring, IORING_ASYNC_CANCEL_FD);
	VALUE(IoUring, IORING_ASYNC_CANCEL_ANY);
	VALUE(IoUring, IORING_MSG_DATA);
	VALUE(IoUring, IORING_UNREGISTER_BUFFERS);
	VALUE(IoUring, IORING_REGISTER_FILES);
	VALUE(IoUring, IORING_UNREGISTER_FILES);
	VALUE(IoUring, IORING_REGISTER_EVENTFD);
	VALUE(IoUring, IORING_UNREGISTER_EVENTFD);
	VALUE(IoUring, IORING_REGISTER_FILES_UPDATE);
	VALUE(IoUring, IORING_REGISTER_PROBE);
	VALUE(IoUring, IORING_REGISTER_FILES2);
	VALUE(IoUring, IORING_REGISTER_BUFFERS2);
	VALUE(IoUring, IORING_REGISTER_BUFFERS_UPDATE);
	VALUE(IoUring, IORING_REGISTER_RING_FDS);
	VALUE(IoUring, IORING_UNREGISTER_RING_FDS);
	VALUE(IoUring, IORING_REGISTER_PBUF_RING);
	VALUE(IoUring, IORING_UNREGISTER_PBUF_RING);
	VALUE(IoUring, IORING_REGISTER_SYNC_CANCEL);
	VALUE(IoUring, IORING_RSRC_REGISTER_SPARSE);
	VALUE(IoUring, IO_URING_OP_SUPPORTED);
	VALUE(IoUring, IOU_PBUF_RING_INC);

	OPCODE(NOP);
	OPCODE(READV);
	OPCODE(WRITEV);
	OPCODE(FSYNC);
	OPCODE(READ_FIXED);
	OPCODE(WRITE_FIXED);
	OPCODE(POLL_ADD);
	OPCODE(POLL_REMOVE);
	OPCODE(SYNC_FILE_RANGE);
	OPCODE(SENDMSG);
	OPCODE(RECVMSG);
	OPCODE(TIMEOUT);
	OPCODE(TIMEOUT_REMOVE);
	OPCODE(ACCEPT);
	OPCODE(ASYNC_CANCEL);
	OPCODE(LINK_TIMEOUT);
	OPCODE(CONNECT);
	OPCODE(FALLOCATE);
	OPCODE(OPENAT);
	OPCODE(CLOSE);
	OPCODE(FILES_UPDATE);
	OPCODE(STATX);
	OPCODE(READ);
	OPCODE(WRITE);
	OPCODE(FADVISE);
	OPCODE(MADVISE);
	OPCODE(SEND);
	OPCODE(RECV);
	OPCODE(OPENAT2);
	OPCODE(EPOLL_CTL);
	OPCODE(SPLICE);
	OPCODE(PROVIDE_BUFFERS);
	OPCODE(REMOVE_BUFFERS);
	OPCODE(TEE);
	OPCODE(SHUTDOWN);
	OPCODE(RENAMEAT);
	OPCODE(UNLINKAT);
	OPCODE(MKDIRAT);
	OPCODE(SYMLINKAT);
	OPCODE(LINKAT);
	OPCODE(MSG_RING);
	OPCODE(FSETXATTR);
	OPCODE(SETXATTR);
	OPCODE(FGETXATTR);
	OPCODE(GETXATTR);
	OPCODE(SOCKET);
	OPCODE(URING_CMD);
	OPCODE(SEND_ZC);
	OPCODE(SENDMSG_ZC);
	OPCODE(READ_MULTISHOT);
	OPCODE(WAITID);
	OPCODE(FUTEX_WAIT);
	OPCODE(FUTEX_WAKE);
	OPCODE(FUTEX_WAITV);
	OPCODE(FIXED_FD_INSTALL);
	OPCODE(FTRUNCATE);
	OPCODE(BIND);
	OPCODE(LISTEN);
	OPCODE(RECV_ZC);
	OPCODE(EPOLL_WAIT);
	OPCODE(READV_FIXED);
	OPCODE(WRITEV_FIXED);
	OPCODE(PIPE);
	OPCODE(NOP128);
	OPCODE(URING_CMD128);
	return 0;
}
