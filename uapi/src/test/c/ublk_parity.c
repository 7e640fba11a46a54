/*
 * Prints what the kernel's headers make of every constant, structure and address encoding of ublk,
 * one row each. The script "regenerate" compiles and runs it.
 *
 * names.inc, which the script makes from the headers, calls CONSTANT(name) for each constant and
 * DECLARED(name) for each structure, so that a new one cannot be forgotten.
 */
#include <errno.h>
#include <linux/version.h>
#include <linux/blkzoned.h>
#include <linux/fs.h>
#include <linux/ublk_cmd.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define CONSTANT(name) printf("constant %s 0x%016llx\n", #name, (unsigned long long)(long long)(name));
#define DECLARED(name) printf("struct %s %zu %zu\n", #name, sizeof(struct name), _Alignof(struct name));
#define FIELD(type, name) \
	printf("field %s %s %zu %zu\n", #type, #name, offsetof(struct type, name), \
	       sizeof(((struct type *)0)->name));

static void sample(const char *name, uint64_t a, uint64_t b, uint64_t c, uint64_t result)
{
	printf("sample %s 0x%llx 0x%llx 0x%llx 0x%llx\n", name, (unsigned long long)a,
	       (unsigned long long)b, (unsigned long long)c, (unsigned long long)result);
}

static void fields(void)
{
	FIELD(ublk_shmem_buf_reg, addr)
	FIELD(ublk_shmem_buf_reg, len)
	FIELD(ublk_shmem_buf_reg, flags)
	FIELD(ublk_shmem_buf_reg, reserved)

	FIELD(ublksrv_ctrl_cmd, dev_id)
	FIELD(ublksrv_ctrl_cmd, queue_id)
	FIELD(ublksrv_ctrl_cmd, len)
	FIELD(ublksrv_ctrl_cmd, addr)
	FIELD(ublksrv_ctrl_cmd, data)
	FIELD(ublksrv_ctrl_cmd, dev_path_len)
	FIELD(ublksrv_ctrl_cmd, pad)
	FIELD(ublksrv_ctrl_cmd, reserved)

	FIELD(ublksrv_ctrl_dev_info, nr_hw_queues)
	FIELD(ublksrv_ctrl_dev_info, queue_depth)
	FIELD(ublksrv_ctrl_dev_info, state)
	FIELD(ublksrv_ctrl_dev_info, io_desc_size)
	FIELD(ublksrv_ctrl_dev_info, max_io_buf_bytes)
	FIELD(ublksrv_ctrl_dev_info, dev_id)
	FIELD(ublksrv_ctrl_dev_info, ublksrv_pid)
	FIELD(ublksrv_ctrl_dev_info, pad1)
	FIELD(ublksrv_ctrl_dev_info, flags)
	FIELD(ublksrv_ctrl_dev_info, ublksrv_flags)
	FIELD(ublksrv_ctrl_dev_info, owner_uid)
	FIELD(ublksrv_ctrl_dev_info, owner_gid)
	FIELD(ublksrv_ctrl_dev_info, reserved1)
	FIELD(ublksrv_ctrl_dev_info, reserved2)

	FIELD(ublksrv_io_desc, op_flags)
	FIELD(ublksrv_io_desc, nr_sectors)
	FIELD(ublksrv_io_desc, nr_zones)
	FIELD(ublksrv_io_desc, start_sector)
	FIELD(ublksrv_io_desc, addr)

	FIELD(ublk_auto_buf_reg, index)
	FIELD(ublk_auto_buf_reg, flags)
	FIELD(ublk_auto_buf_reg, reserved0)
	FIELD(ublk_auto_buf_reg, reserved1)

	FIELD(ublksrv_io_cmd, q_id)
	FIELD(ublksrv_io_cmd, tag)
	FIELD(ublksrv_io_cmd, result)
	FIELD(ublksrv_io_cmd, addr)
	FIELD(ublksrv_io_cmd, zone_append_lba)

	FIELD(ublk_elem_header, tag)
	FIELD(ublk_elem_header, buf_index)
	FIELD(ublk_elem_header, result)

	FIELD(ublk_batch_io, q_id)
	FIELD(ublk_batch_io, flags)
	FIELD(ublk_batch_io, nr_elem)
	FIELD(ublk_batch_io, elem_bytes)
	FIELD(ublk_batch_io, reserved)
	FIELD(ublk_batch_io, reserved2)

	FIELD(ublk_param_basic, attrs)
	FIELD(ublk_param_basic, logical_bs_shift)
	FIELD(ublk_param_basic, physical_bs_shift)
	FIELD(ublk_param_basic, io_opt_shift)
	FIELD(ublk_param_basic, io_min_shift)
	FIELD(ublk_param_basic, max_sectors)
	FIELD(ublk_param_basic, chunk_sectors)
	FIELD(ublk_param_basic, dev_sectors)
	FIELD(ublk_param_basic, virt_boundary_mask)

	FIELD(ublk_param_discard, discard_alignment)
	FIELD(ublk_param_discard, discard_granularity)
	FIELD(ublk_param_discard, max_discard_sectors)
	FIELD(ublk_param_discard, max_write_zeroes_sectors)
	FIELD(ublk_param_discard, max_discard_segments)
	FIELD(ublk_param_discard, reserved0)

	FIELD(ublk_param_devt, char_major)
	FIELD(ublk_param_devt, char_minor)
	FIELD(ublk_param_devt, disk_major)
	FIELD(ublk_param_devt, disk_minor)

	FIELD(ublk_param_zoned, max_open_zones)
	FIELD(ublk_param_zoned, max_active_zones)
	FIELD(ublk_param_zoned, max_zone_append_sectors)
	FIELD(ublk_param_zoned, reserved)

	FIELD(ublk_param_dma_align, alignment)
	FIELD(ublk_param_dma_align, pad)

	FIELD(ublk_param_segment, seg_boundary_mask)
	FIELD(ublk_param_segment, max_segment_size)
	FIELD(ublk_param_segment, max_segments)
	FIELD(ublk_param_segment, pad)

	FIELD(ublk_param_integrity, flags)
	FIELD(ublk_param_integrity, max_integrity_segments)
	FIELD(ublk_param_integrity, interval_exp)
	FIELD(ublk_param_integrity, metadata_size)
	FIELD(ublk_param_integrity, pi_offset)
	FIELD(ublk_param_integrity, csum_type)
	FIELD(ublk_param_integrity, tag_size)
	FIELD(ublk_param_integrity, pad)

	FIELD(ublk_params, len)
	FIELD(ublk_params, types)
	FIELD(ublk_params, basic)
	FIELD(ublk_params, discard)
	FIELD(ublk_params, devt)
	FIELD(ublk_params, zoned)
	FIELD(ublk_params, dma)
	FIELD(ublk_params, seg)
	FIELD(ublk_params, integrity)

	FIELD(blk_zone, start)
	FIELD(blk_zone, len)
	FIELD(blk_zone, wp)
	FIELD(blk_zone, type)
	FIELD(blk_zone, cond)
	FIELD(blk_zone, non_seq)
	FIELD(blk_zone, reset)
	FIELD(blk_zone, resv)
	FIELD(blk_zone, capacity)
	FIELD(blk_zone, reserved)
}

static void shared_memory_addresses(void)
{
	static const struct { uint16_t index; uint32_t offset; } places[] = {
		{ 0, 0 }, { 0, 4096 }, { 1, 0 }, { 7, 0x12345000 }, { 0xffff, 0xffffffff }, { 0x8000, 0x80000000 },
	};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		uint64_t address = ublk_shmem_zc_addr(places[i].index, places[i].offset);

		sample("ublk_shmem_zc_addr", places[i].index, places[i].offset, 0, address);
		sample("ublk_shmem_zc_index", address, 0, 0, ublk_shmem_zc_index(address));
		sample("ublk_shmem_zc_offset", address, 0, 0, ublk_shmem_zc_offset(address));
	}
}

static void auto_registrations(void)
{
	static const struct ublk_auto_buf_reg regs[] = {
		{ .index = 0 }, { .index = 5, .flags = UBLK_AUTO_BUF_REG_FALLBACK }, { .index = 0xffff, .flags = 0xff },
	};
	static const uint64_t addresses[] = { 0, 0x10005, 0xffffff, 0x1000000, 0x100000000, UINT64_MAX };

	for (size_t i = 0; i < sizeof(regs) / sizeof(regs[0]); i++)
		sample("ublk_auto_buf_reg_to_sqe_addr", regs[i].index, regs[i].flags, 0,
		       ublk_auto_buf_reg_to_sqe_addr(&regs[i]));
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		struct ublk_auto_buf_reg reg = ublk_sqe_addr_to_auto_buf_reg(addresses[i]);

		sample("ublk_sqe_addr_to_auto_buf_reg.index", addresses[i], 0, 0, reg.index);
		sample("ublk_sqe_addr_to_auto_buf_reg.flags", addresses[i], 0, 0, reg.flags);
		sample("ublk_sqe_addr_to_auto_buf_reg.reserved0", addresses[i], 0, 0, reg.reserved0);
		sample("ublk_sqe_addr_to_auto_buf_reg.reserved1", addresses[i], 0, 0, reg.reserved1);
	}
}

static void descriptors(void)
{
	static const uint32_t words[] = {
		UBLK_IO_OP_READ, UBLK_IO_OP_WRITE | UBLK_IO_F_FUA, UBLK_IO_OP_REPORT_ZONES,
		UBLK_IO_OP_READ | UBLK_IO_F_SHMEM_ZC | UBLK_IO_F_META, UINT32_MAX,
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct ublksrv_io_desc desc = { .op_flags = words[i] };

		sample("ublksrv_get_op", words[i], 0, 0, ublksrv_get_op(&desc));
		sample("ublksrv_get_flags", words[i], 0, 0, ublksrv_get_flags(&desc));
	}
}

static void data_offsets(void)
{
	static const struct { uint16_t queue, tag; uint32_t bytes; } places[] = {
		{ 0, 0, 0 }, { 0, 0, 512 }, { 0, 1, 0 }, { 1, 0, 0 }, { 3, 127, 4096 }, { 4095, 0xffff, 0x1ffffff },
	};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		uint64_t offset = UBLKSRV_IO_BUF_OFFSET + ((uint64_t)places[i].queue << UBLK_QID_OFF) +
				  ((uint64_t)places[i].tag << UBLK_TAG_OFF) + places[i].bytes;

		sample("data_offset", places[i].queue, places[i].tag, places[i].bytes, offset);
		sample("integrity_offset", places[i].queue, places[i].tag, places[i].bytes,
		       offset | UBLKSRV_IO_INTEGRITY_FLAG);
	}
}

int main(void)
{
	printf("# Linux %d.%d, printed by ublk_parity.c.\n", LINUX_VERSION_MAJOR, LINUX_VERSION_PATCHLEVEL);
#include "names.inc"
	fields();
	shared_memory_addresses();
	auto_registrations();
	descriptors();
	data_offsets();
	return 0;
}
