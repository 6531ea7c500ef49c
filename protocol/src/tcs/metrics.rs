//! The numbers of a metrics message (spec 4.5).

wire! {
    /// Metrics of the instance.
    pub struct InstanceMetrics {
        /// Use of the instance's file systems.
        storage: Option<InstanceStorageMetrics>,
        /// Further metrics.
        general_metrics_payload: Vec<GeneralMetricsWrapper>,
    }

    /// Use of the instance's file systems.
    pub struct InstanceStorageMetrics {
        /// Use of the root file system in percent.
        root_filesystem: Option<f64>,
        /// Use of the data file system in percent.
        data_filesystem: Option<f64>,
    }

    /// Metrics of a task.
    pub struct TaskMetric {
        /// ARN of the task.
        task_arn: Option<String>,
        /// ARN of the cluster.
        cluster_arn: Option<String>,
        /// Family of the task definition.
        task_definition_family: Option<String>,
        /// Revision of the task definition, as a decimal string.
        task_definition_version: Option<String>,
        /// Metrics of the containers.
        container_metrics: Vec<ContainerMetric>,
        /// Use of the local storage; the Go agent leaves it out.
        ephemeral_storage_metrics: Option<EphemeralStorageMetrics>,
        /// Use of the attached volumes.
        volume_metrics: Vec<VolumeMetric>,
        /// Metrics of the Service Connect relay.
        service_connect_metrics_wrapper: Vec<GeneralMetricsWrapper>,
    }

    /// Metrics of a container; a set is present only when it has at least two new samples.
    pub struct ContainerMetric {
        /// ARN of the container.
        container_arn: Option<String>,
        /// Name of the container.
        container_name: Option<String>,
        /// Processor use in percent of the whole host.
        cpu_stats_set: Option<CWStatsSet>,
        /// Memory in MiB.
        memory_stats_set: Option<CWStatsSet>,
        /// Network traffic; absent for host mode and for none.
        network_stats_set: Option<NetworkStatsSet>,
        /// Block I/O.
        storage_stats_set: Option<StorageStatsSet>,
        /// Restarts, when the container has a restart policy.
        restart_stats_set: Option<RestartStatsSet>,
        /// Further metrics.
        general_metrics_payload: Vec<GeneralMetricsWrapper>,
    }

    /// A distribution of fractions.
    pub struct CWStatsSet {
        /// Least sample.
        min: Option<f64>,
        /// Greatest sample.
        max: Option<f64>,
        /// Number of samples.
        sample_count: Option<i64>,
        /// Sum over the samples.
        sum: Option<f64>,
    }

    /// A distribution of fractions that are not negative; every member is required.
    pub struct UDoubleCWStatsSet {
        /// Least sample.
        min: Option<f64>,
        /// Greatest sample.
        max: Option<f64>,
        /// Number of samples.
        sample_count: Option<i64>,
        /// Sum over the samples.
        sum: Option<f64>,
    }

    /// A distribution of raw counters; every member but the overflows is required.
    pub struct ULongStatsSet {
        /// Least sample, a raw counter.
        min: Option<i64>,
        /// Greatest sample, a raw counter.
        max: Option<i64>,
        /// Number of samples.
        sample_count: Option<i64>,
        /// Sum over the samples.
        sum: Option<i64>,
        /// What of the least sample exceeds a signed 64-bit integer.
        overflow_min: Option<i64>,
        /// What of the greatest sample exceeds a signed 64-bit integer.
        overflow_max: Option<i64>,
        /// What of the sum exceeds a signed 64-bit integer.
        overflow_sum: Option<i64>,
    }

    /// Network traffic.
    pub struct NetworkStatsSet {
        /// Rate of receiving in bytes per second.
        rx_bytes_per_second: Option<UDoubleCWStatsSet>,
        /// Bytes received.
        rx_bytes: Option<ULongStatsSet>,
        /// Packets dropped while receiving.
        rx_dropped: Option<ULongStatsSet>,
        /// Errors while receiving.
        rx_errors: Option<ULongStatsSet>,
        /// Packets received.
        rx_packets: Option<ULongStatsSet>,
        /// Rate of sending in bytes per second.
        tx_bytes_per_second: Option<UDoubleCWStatsSet>,
        /// Bytes sent.
        tx_bytes: Option<ULongStatsSet>,
        /// Packets dropped while sending.
        tx_dropped: Option<ULongStatsSet>,
        /// Errors while sending.
        tx_errors: Option<ULongStatsSet>,
        /// Packets sent.
        tx_packets: Option<ULongStatsSet>,
    }

    /// Block I/O, as cumulative counters.
    pub struct StorageStatsSet {
        /// Bytes read.
        read_size_bytes: Option<ULongStatsSet>,
        /// Bytes written.
        write_size_bytes: Option<ULongStatsSet>,
    }

    /// Restarts of a container.
    pub struct RestartStatsSet {
        /// Restarts since the last message.
        restart_count: Option<i64>,
    }

    /// Use of a task's local storage.
    pub struct EphemeralStorageMetrics {
        /// Used bytes.
        bytes_utilized: Option<ULongStatsSet>,
    }

    /// Use of an attached volume.
    pub struct VolumeMetric {
        /// Id of the volume.
        volume_id: Option<String>,
        /// Name of the volume in the task definition.
        volume_name: Option<String>,
        /// Used bytes.
        utilized: Option<UDoubleCWStatsSet>,
        /// Size in bytes.
        size: Option<UDoubleCWStatsSet>,
    }

    /// Metrics with their dimensions.
    pub struct GeneralMetricsWrapper {
        /// What the metrics are about.
        dimensions: Vec<Dimension>,
        /// Direction of the traffic: `1` is ingress, `2` is egress.
        metric_type: Option<String>,
        /// The metrics.
        general_metrics: Vec<GeneralMetric>,
    }

    /// A name and a value.
    pub struct Dimension {
        /// Name of the dimension.
        key: Option<String>,
        /// Value.
        value: Option<String>,
    }

    /// A metric whose value comes in one of several forms.
    pub struct GeneralMetric {
        /// Name of the metric.
        metric_name: Option<String>,
        /// The values.
        metric_values: Vec<f64>,
        /// How often each value occurred.
        metric_counts: Vec<i64>,
        /// The value as a fraction.
        metric_value_double: Option<f64>,
        /// The value as an integer.
        metric_value_long: Option<i64>,
        /// The value as a distribution.
        metric_value_stats_set: Option<CWStatsSet>,
        /// Unit of the values.
        unit: Option<String>,
    }
}
