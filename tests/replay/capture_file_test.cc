#include "wire/capture_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <zlib.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "support/capture_writer.h"
#include "support/packet_builder.h"
#include "support/scratch.h"

namespace edgesentry::wire {
namespace {

using test::Bytes;
using test::CaptureWriter;
using test::Scratch;

Bytes syn(std::uint16_t port) {
  return test::PacketBuilder().ip("198.51.100.7", "10.0.0.1").tcp(40000, port, 2).mss().bytes();
}

std::string three_records(bool nanoseconds = false) {
  CaptureWriter writer(1, nanoseconds);
  for (std::uint16_t i = 0; i < 3; ++i)
    writer.add(base::Micros{1'000'000u + i * 250u}, syn(20 + i));
  return writer.bytes();
}

std::string gzipped(const std::string& plain) {
  z_stream deflater{};
  EXPECT_EQ(deflateInit2(&deflater, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(plain.size() + 256, '\0');
  deflater.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  deflater.avail_in = static_cast<uInt>(plain.size());
  deflater.next_out = reinterpret_cast<Bytef*>(out.data());
  deflater.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&deflater, Z_FINISH), Z_STREAM_END);
  out.resize(deflater.total_out);
  deflateEnd(&deflater);
  return out;
}

struct Reading {
  std::vector<Record> records;  // their bytes are gone; times, sizes and numbers remain
  std::vector<Bytes> frames;
  ReadOutcome end = ReadOutcome::record;
  std::string fault;
};

Reading read_all(const std::string& path) {
  Reading reading;
  auto file = CaptureFile::open(path);
  if (!file) {
    reading.end = ReadOutcome::damaged;
    reading.fault = file.error().text;
    return reading;
  }
  CaptureFile capture = std::move(file).value();
  Record record;
  while ((reading.end = capture.next(record)) == ReadOutcome::record) {
    reading.frames.emplace_back(record.bytes.begin(), record.bytes.end());
    record.bytes = {};
    reading.records.push_back(record);
  }
  reading.fault = capture.fault();
  EXPECT_EQ(capture.next(record), reading.end) << "the end is final";
  return reading;
}

TEST(CaptureFile, reads_every_record_with_its_time_and_number) {
  Scratch scratch;
  const Reading got = read_all(scratch.write("a.pcap", three_records()));
  ASSERT_EQ(got.records.size(), 3u);
  EXPECT_EQ(got.end, ReadOutcome::end);
  EXPECT_EQ(got.frames[2], syn(22));
  EXPECT_EQ(got.records[2].time.value, 1'000'500u);
  EXPECT_EQ(got.records[2].number, 3u);
  EXPECT_TRUE(got.fault.empty());
}

TEST(CaptureFile, reads_nanosecond_files_on_the_same_axis) {
  Scratch scratch;
  const Reading got = read_all(scratch.write("a.pcap", three_records(true)));
  ASSERT_EQ(got.records.size(), 3u);
  EXPECT_EQ(got.records[1].time.value, 1'000'250u);
}

TEST(CaptureFile, knows_gzip_by_its_magic_and_not_by_its_name) {
  Scratch scratch;
  const Reading got = read_all(scratch.write("no_suffix", gzipped(three_records())));
  EXPECT_EQ(got.records.size(), 3u);
  EXPECT_EQ(got.end, ReadOutcome::end) << got.fault;
}

TEST(CaptureFile, reads_gzip_members_that_follow_one_another) {
  Scratch scratch;
  const std::string all = three_records();
  const Reading got =
      read_all(scratch.write("a", gzipped(all.substr(0, 50)) + gzipped(all.substr(50))));
  EXPECT_EQ(got.records.size(), 3u) << got.fault;
  EXPECT_EQ(got.end, ReadOutcome::end);
}

TEST(CaptureFile, ignores_padding_behind_gzip_data) {
  Scratch scratch;
  const Reading got =
      read_all(scratch.write("a", gzipped(three_records()) + std::string(512, '\0')));
  EXPECT_EQ(got.records.size(), 3u);
  EXPECT_EQ(got.end, ReadOutcome::end) << got.fault;
}

// Wherever a file is cut, its whole records come out and the end is told apart from damage.
TEST(CaptureFile, gives_all_whole_records_of_a_file_cut_anywhere) {
  Scratch scratch;
  const std::string all = three_records();
  const std::size_t record = (all.size() - 24) / 3;
  for (std::size_t size = 24; size < all.size(); ++size) {
    const Reading got = read_all(scratch.write("cut", all.substr(0, size)));
    const std::size_t whole = (size - 24) / record;
    ASSERT_EQ(got.records.size(), whole) << size;
    const bool at_a_seam = (size - 24) % record == 0;
    ASSERT_EQ(got.end, at_a_seam ? ReadOutcome::end : ReadOutcome::cut_off) << size << got.fault;
    if (!at_a_seam) {
      EXPECT_NE(got.fault.find("record " + std::to_string(whole + 1) + " is cut off"),
                std::string::npos)
          << got.fault;
    }
  }
}

TEST(CaptureFile, gives_whole_records_of_gzip_cut_anywhere_and_says_so) {
  Scratch scratch;
  const std::string all = gzipped(three_records());
  for (std::size_t size = 0; size < all.size(); ++size) {
    const Reading got = read_all(scratch.write("cut", all.substr(0, size)));
    ASSERT_LE(got.records.size(), 3u);
    ASSERT_FALSE(got.fault.empty()) << size;
  }
}

TEST(CaptureFile, says_what_is_wrong_with_damaged_gzip_data) {
  Scratch scratch;
  std::string all = gzipped(three_records());
  all[all.size() - 5] = static_cast<char>(~all[all.size() - 5]);  // the CRC of RFC 1952
  const Reading got = read_all(scratch.write("bad", all));
  EXPECT_EQ(got.records.size(), 3u);
  EXPECT_EQ(got.end, ReadOutcome::damaged);
  EXPECT_NE(got.fault.find("gzip data is damaged"), std::string::npos) << got.fault;
}

TEST(CaptureFile, stops_at_a_record_with_an_absurd_length) {
  Scratch scratch;
  std::string all = three_records();
  const std::size_t record = (all.size() - 24) / 3;
  all.replace(24 + record + 8, 4, std::string("\xff\xff\xff\x7f", 4));
  const Reading got = read_all(scratch.write("bad", all));
  EXPECT_EQ(got.records.size(), 1u);
  EXPECT_EQ(got.end, ReadOutcome::damaged);
  EXPECT_NE(got.fault.find("record 2 is damaged"), std::string::npos) << got.fault;
}

TEST(CaptureFile, tells_the_length_on_the_wire_of_a_shortened_record) {
  Scratch scratch;
  CaptureWriter writer;
  writer.add(base::Micros{5}, syn(80), 1500);
  const Reading got = read_all(scratch.write("a", writer.bytes()));
  ASSERT_EQ(got.records.size(), 1u);
  EXPECT_EQ(got.records[0].wire_bytes, 1500u);
  EXPECT_LT(got.frames[0].size(), 100u);
}

TEST(CaptureFile, refuses_what_is_no_capture_in_a_sentence) {
  Scratch scratch;
  const auto fault = [&](const std::string& path) {
    auto file = CaptureFile::open(path);
    return file.ok() ? std::string() : file.error().text;
  };
  EXPECT_NE(fault(scratch.write("e", "")).find("is empty"), std::string::npos);
  EXPECT_NE(fault(scratch.write("t", "not a capture at all")).find("no capture"),
            std::string::npos);
  EXPECT_NE(fault(scratch.write("z", gzipped("hello"))).find("inflated, no capture"),
            std::string::npos);
  EXPECT_NE(fault(scratch.path()).find("is a directory"), std::string::npos);
  EXPECT_NE(fault(scratch.path() + "/missing").find("No such file"), std::string::npos);
  EXPECT_NE(fault(scratch.write("h", three_records().substr(0, 10))).find("file header"),
            std::string::npos);
  CaptureWriter wifi(105);
  EXPECT_NE(fault(scratch.write("w", wifi.bytes())).find("link type 105"), std::string::npos);
}

TEST(CaptureFile, survives_random_bytes_behind_every_magic) {
  Scratch scratch;
  std::uint32_t seed = 20261;
  for (const std::string magic :
       {"\xd4\xc3\xb2\xa1", "\x4d\x3c\xb2\xa1", "\x0a\x0d\x0d\x0a", "\x1f\x8b\x08"}) {
    for (int round = 0; round < 64; ++round) {
      std::string bytes = magic;
      for (int i = 0; i < 400; ++i)
        bytes += static_cast<char>((seed = seed * 1664525 + 1013904223) >> 24);
      const Reading got = read_all(scratch.write("r", bytes));
      EXPECT_NE(got.end, ReadOutcome::record);
    }
  }
}

TEST(CaptureFile, reports_progress_up_to_the_size_of_the_file) {
  Scratch scratch;
  const std::string all = three_records();
  auto file = CaptureFile::open(scratch.write("a", all));
  ASSERT_TRUE(file.ok());
  CaptureFile capture = std::move(file).value();
  Record record;
  while (capture.next(record) == ReadOutcome::record) {
  }
  EXPECT_EQ(capture.bytes_consumed(), all.size());
  EXPECT_EQ(capture.bytes_in_all(), all.size());
}

TEST(CaptureList, takes_the_captures_of_a_directory_in_order_and_names_the_rest) {
  Scratch scratch;
  const std::string second = scratch.write("b.pcap", three_records());
  const std::string first = scratch.write("a.gz", gzipped(three_records()));
  scratch.write("notes.txt", "hello");
  const std::vector<std::string> paths = {scratch.path(), "elsewhere.pcap"};
  const auto list = list_captures(paths);
  ASSERT_TRUE(list.ok());
  EXPECT_EQ(list.value().files, (std::vector<std::string>{first, second, "elsewhere.pcap"}));
  ASSERT_EQ(list.value().skipped.size(), 1u);
  EXPECT_NE(list.value().skipped[0].find("notes.txt"), std::string::npos);
}

}  // namespace
}  // namespace edgesentry::wire
