// Memory, cores, nodes, CPU, rights and kernel of machines that are not this one.
#include "ward.h"

namespace edgesentry::doctor {
namespace {

TEST(Doctor, finds_nothing_to_mend_on_a_machine_that_is_fit) {
  Ward ward;
  ward.folder.put("/sys/devices/system/cpu/isolated", "0\n");
  ward.folder.put("/sys/devices/system/cpu/nohz_full", "0\n");
  for (const Finding& finding : ward.examine())
    EXPECT_LE(finding.status, Status::unknown) << finding.check << ": " << finding.found;
}

TEST(Doctor, knows_nothing_and_survives_where_there_is_nothing) {
  Ward ward;
  Patient patient{.tree = machine::Tree("/nonexistent"), .config = ward.config, .affinity = {}};
  patient.look();
  const Findings all = examine(patient);
  EXPECT_GT(all.size(), 10u);
  EXPECT_TRUE(std::ranges::any_of(
      all, [](const Finding& finding) { return finding.status == Status::unknown; }));
}

TEST(Doctor, survives_garbage_in_every_file) {
  const std::string huge(1u << 20, '9');
  for (const std::string& garbage :
       {std::string("\xff\xfe\0\x1b[2J", 8), std::string("-1"), huge, std::string("[]\n[:\n"),
        std::string("99999999999999999999999 1 1 1 1 1 1 1 1\n")}) {
    Ward ward;
    ward.config.segments = {{"lan", "eth0", "0000:03:00.0"}};
    for (const char* path : {"/sys/devices/system/cpu/online",
                             "/sys/devices/system/cpu/isolated",
                             "/sys/devices/system/cpu/nohz_full",
                             "/sys/devices/system/node/node0/cpulist",
                             "/sys/devices/system/cpu/cpu0/topology/thread_siblings_list",
                             "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor",
                             "/proc/stat",
                             "/proc/cpuinfo",
                             "/proc/meminfo",
                             "/proc/mounts",
                             "/proc/self/cgroup",
                             "/proc/self/limits",
                             "/proc/self/status",
                             "/proc/net/route",
                             "/proc/sys/kernel/osrelease",
                             "/etc/passwd",
                             "/sys/kernel/mm/transparent_hugepage/enabled",
                             "/sys/class/net/eth0/flags",
                             "/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages",
                             "/sys/kernel/mm/hugepages/hugepages-99999999999kB/free_hugepages",
                             "/sys/class/net/eth0/mtu",
                             "/sys/class/net/eth0/device/numa_node",
                             "/sys/bus/pci/devices/0000:03:00.0/numa_node"})
      ward.folder.put(path, garbage);
    EXPECT_GT(ward.examine().size(), 10u);
  }
}

TEST(Hugepages, are_counted_on_the_node_where_they_are_needed) {
  Ward ward;
  EXPECT_EQ(ward.of("hugepages of node 0").status, Status::ok)
      << ward.of("hugepages of node 0").found;
  ward.pages("/sys/devices/system/node/node0/hugepages", 2048, 100, 44);
  const Finding poor = ward.of("hugepages of node 0");
  EXPECT_EQ(poor.status, Status::warn);
  // 512 MiB are 256 pages, 44 are free and 56 taken by others.
  EXPECT_EQ(poor.fix,
            "echo 312 > /sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages");
  EXPECT_EQ(ward.of("hugepages of node 1").status, Status::ok) << "nothing is needed there";
  ward.config.dpdk.hugepages = config::Hugepages::required;
  EXPECT_EQ(ward.of("hugepages of node 0").status, Status::fail);
  ward.config.dpdk.hugepages = config::Hugepages::off;
  EXPECT_EQ(ward.of("hugepages").status, Status::ok);
}

TEST(Hugepages, are_those_of_the_running_appliance_when_it_runs) {
  Ward ward;
  ward.pages("/sys/kernel/mm/hugepages", 2048, 2048, 0);
  ward.status = {{"ok", true}, {"machine", {{"hugepages", true}}}};
  EXPECT_EQ(ward.of("hugepages").status, Status::ok);
  EXPECT_TRUE(has(ward.of("hugepages").found, "the running appliance has its 512 MiB"));
}

TEST(Hugepages, left_over_by_a_crashed_program_are_found) {
  Ward ward;
  ward.folder.put("/proc/mounts", "nodev /dev/hugepages hugetlbfs rw 0 0\n");
  EXPECT_EQ(ward.of("left-over files").status, Status::ok);
  ward.folder.put("/dev/hugepages/rtemap_0", "").put("/dev/hugepages/edgesentrymap_7", "");
  EXPECT_EQ(ward.of("left-over files").status, Status::warn);
  EXPECT_TRUE(has(ward.of("left-over files").found, "2 files"));
}

TEST(Memory, that_does_not_suffice_fails) {
  Ward ward;
  ward.config.dpdk.hugepages = config::Hugepages::off;
  EXPECT_EQ(ward.of("ordinary memory").status, Status::ok);
  ward.config.table.sources = 1u << 28;
  ward.config.workers.count = 4;
  EXPECT_EQ(ward.of("ordinary memory").status, Status::fail);
}

TEST(Cores, that_are_too_few_fail_with_the_sentence_of_the_start) {
  Ward ward;
  ward.config.workers.count = 9;
  EXPECT_EQ(ward.of("workers").status, Status::fail);
  EXPECT_TRUE(has(ward.of("workers").found, "[workers] count = 9"));
  EXPECT_TRUE(has(ward.of("workers").fix, "count = 8"));
}

TEST(Cores, all_with_a_spinning_worker_leave_none_for_control) {
  Ward ward;
  ward.config.workers.count = 7;
  ward.config.workers.idle = config::Idle::poll;
  EXPECT_EQ(ward.of("control thread").status, Status::ok);
  ward.config.workers.count = 8;
  EXPECT_EQ(ward.of("control thread").status, Status::warn);
  EXPECT_TRUE(has(ward.of("control thread").found, "spins"));
}

TEST(Cores, are_proposed_for_isolation_without_the_kernels_own) {
  Ward ward;
  ward.config.workers.count = 2;
  const Finding bare = ward.of("isolation");
  EXPECT_EQ(bare.status, Status::warn);
  EXPECT_TRUE(has(bare.fix, "nohz_full=1-2 rcu_nocbs=1-2 irqaffinity=0,3-7")) << bare.fix;
  ward.folder.put("/sys/devices/system/cpu/isolated", "1-2\n");
  ward.folder.put("/sys/devices/system/cpu/nohz_full", "1-2\n");
  EXPECT_EQ(ward.of("isolation").status, Status::ok) << ward.of("isolation").found;
  ward.config.workers.cores = {1, 3};
  EXPECT_TRUE(has(ward.of("isolation").found, "CPU 3 also")) << ward.of("isolation").found;
  ward.config.placement = config::Placement::host;
  EXPECT_EQ(ward.of("isolation").status, Status::ok);
}

TEST(Cores, that_are_siblings_are_named) {
  Ward ward;
  for (const char* id : {"2", "3"})
    ward.folder.put(
        std::string("/sys/devices/system/cpu/cpu") + id + "/topology/thread_siblings_list", "2-3");
  ward.config.workers.count = 2;
  EXPECT_EQ(ward.of("SMT siblings").status, Status::ok);
  ward.config.workers.cores = {3, 2};
  EXPECT_EQ(ward.of("SMT siblings").status, Status::warn);
  EXPECT_TRUE(has(ward.of("SMT siblings").found, "workers 0 and 1 (CPUs 3,2)"));
}

TEST(Cores, of_a_control_group_with_a_quota_are_fewer) {
  Ward ward;
  ward.folder.put("/proc/self/cgroup", "9:name=systemd:/\n0::/user.slice\n");
  ward.folder.put("/sys/fs/cgroup/user.slice/cpu.max", "150000 100000\n");
  EXPECT_EQ(ward.of("CPUs").status, Status::warn);
  EXPECT_TRUE(has(ward.of("CPUs").found, "1.5 CPUs"));
  ward.folder.put("/sys/fs/cgroup/user.slice/cpu.max", "max 100000\n");
  EXPECT_EQ(ward.of("CPUs").status, Status::ok);
  ward.folder.put("/proc/self/cgroup", "2:cpu,cpuacct:/old\n0::/\n");
  ward.folder.put("/sys/fs/cgroup/cpu/old/cpu.cfs_quota_us", "50000\n");
  ward.folder.put("/sys/fs/cgroup/cpu/old/cpu.cfs_period_us", "100000\n");
  EXPECT_TRUE(has(ward.of("CPUs").found, "0.5 CPUs")) << ward.of("CPUs").found;
}

TEST(Cores, are_asked_for_frequency_and_steal_time) {
  Ward ward;
  EXPECT_EQ(ward.of("frequency").status, Status::unknown);
  ward.folder.put("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n");
  EXPECT_EQ(ward.of("frequency").status, Status::warn);
  ward.folder.put("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n");
  EXPECT_EQ(ward.of("frequency").status, Status::ok);
  EXPECT_EQ(ward.of("steal time").status, Status::unknown);
  ward.folder.put("/proc/stat", "cpu 1 1 1 1 1 1 1 1 0 0\ncpu0 50 0 0 43 0 0 0 7 0 0\n");
  EXPECT_EQ(ward.of("steal time").status, Status::warn);
  EXPECT_TRUE(has(ward.of("steal time").found, "7.0 %"));
}

TEST(Nodes, of_devices_and_workers_are_compared) {
  Ward ward;
  ward.config.segments = {{"lan", "eth1", "eth2"}};
  ward.folder.put("/sys/class/net/eth1/device/numa_node", "1\n");
  ward.folder.put("/sys/class/net/eth2/device/numa_node", "-1\n");
  const auto in = [&](std::string_view check) {
    for (const Finding& finding : ward.examine())
      if (finding.area == "NUMA" && finding.check == check) return finding;
    return Finding{.area = "", .check = "none", .found = ""};
  };
  EXPECT_EQ(in("lan outside").status, Status::ok) << in("lan outside").found;
  EXPECT_EQ(in("lan inside").status, Status::unknown);
  ward.config.workers.cores = {0};
  EXPECT_EQ(in("lan outside").status, Status::warn);
  EXPECT_TRUE(has(in("lan outside").found, "worker 0 on CPU 0 of node 0"));
  EXPECT_TRUE(has(in("lan outside").fix, "CPUs of node 1 are 4-7")) << in("lan outside").fix;
}

TEST(Cpu, tells_how_sources_are_looked_up) {
  Ward ward;
  EXPECT_TRUE(has(ward.of("instructions").found, "AVX2"));
  ward.folder.put("/proc/cpuinfo",
                  "flags : avx avx2 bmi1 bmi2 f16c fma movbe abm avx512f avx512bw "
                  "avx512dq avx512vl\n");
  EXPECT_TRUE(has(ward.of("instructions").found, "AVX-512"));
  EXPECT_EQ(ward.of("clock").status, Status::warn);
  ward.folder.put("/proc/cpuinfo", "flags : sse4_2\n");
  EXPECT_GE(ward.of("instructions").status, Status::warn);
}

TEST(Rights, are_looked_at_as_far_as_the_devices_need_them) {
  Ward ward;
  ward.folder.put("/proc/self/status", "Name: x\nCapEff:\t0000000000000000\n");
  EXPECT_EQ(ward.of("capabilities").status, Status::warn);
  EXPECT_TRUE(has(ward.of("capabilities").found, "CAP_NET_RAW"));
  ward.folder.put("/proc/self/status", "CapEff:\t000001ffffffffff\n");
  EXPECT_EQ(ward.of("capabilities").status, Status::ok);
  ward.folder.put("/proc/self/limits", "Max locked memory         8388608   8388608   bytes\n");
  EXPECT_EQ(ward.of("locked memory").status, Status::ok);
  ward.config.segments = {{"lan", "0000:03:00.0", "0000:03:00.1"}};
  EXPECT_EQ(ward.of("locked memory").status, Status::warn);
  ward.folder.put("/proc/self/limits", "Max locked memory         unlimited unlimited bytes\n");
  EXPECT_EQ(ward.of("locked memory").status, Status::ok);
  ward.folder.put("/etc/passwd", "root:x:0:0::/:/bin/sh\n");
  EXPECT_EQ(ward.of("user").status, Status::warn);
  ward.config.privilege.user = "nobody";
  EXPECT_EQ(ward.of("user").status, Status::fail);
  ward.folder.put("/etc/passwd", "root:x:0:0::/:/bin/sh\nnobody:x:1:1::/:/bin/sh\n");
  EXPECT_EQ(ward.of("user").status, Status::ok);
}

TEST(Kernel, is_asked_for_what_a_host_needs) {
  Ward ward;
  EXPECT_EQ(ward.of("filters").status, Status::ok);
  ward.config.placement = config::Placement::host;
  ward.config.segments = {{"lan", "eth1", ""}};
  EXPECT_EQ(ward.of("nftables").status, Status::unknown);
  EXPECT_EQ(ward.of("XDP").status, Status::unknown);
  ward.folder.put("/proc/sys/kernel/osrelease", "6.1.0-9\n");
  ward.folder.put("/lib/modules/6.1.0-9/modules.dep", "kernel/net/netfilter/nf_tables.ko: a\n");
  ward.folder.put("/proc/sys/net/core/bpf_jit_enable", "0\n");
  EXPECT_EQ(ward.of("nftables").status, Status::ok);
  EXPECT_EQ(ward.of("XDP").status, Status::warn);
  ward.folder.put("/proc/sys/kernel/osrelease", "../../etc\n");
  EXPECT_EQ(ward.of("nftables").status, Status::unknown);
}

}  // namespace
}  // namespace edgesentry::doctor
