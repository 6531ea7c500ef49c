//! The numbers of a metrics message (spec 4.5).

wire! {
    /// The `InstanceMetrics` shape.
    pub struct InstanceMetrics {
        /// The `storage` of the public model.
        storage: Option<InstanceStorageMetrics>,
        /// The `generalMetricsPayload` of the public model.
        general_metrics_payload: Vec<GeneralMetricsWrapper>,
    }

    /// The `InstanceStorageMetrics` shape.
    pub struct InstanceStorageMetrics {
        /// The `rootFilesystem` of the public model.
        root_filesystem: Option<f64>,
        /// The `dataFilesystem` of the public model.
        data_filesystem: Option<f64>,
    }

    /// The `TaskMetric` shape.
    pub struct TaskMetric {
        /// The `taskArn` of the public model.
        task_arn: Option<String>,
        /// The `clusterArn` of the public model.
        cluster_arn: Option<String>,
        /// The `taskDefinitionFamily` of the public model.
        task_definition_family: Option<String>,
        /// The `taskDefinitionVersion` of the public model.
        task_definition_version: Option<String>,
        /// The `containerMetrics` of the public model.
        container_metrics: Vec<ContainerMetric>,
        /// The `ephemeralStorageMetrics` of the public model.
        ephemeral_storage_metrics: Option<EphemeralStorageMetrics>,
        /// The `volumeMetrics` of the public model.
        volume_metrics: Vec<VolumeMetric>,
        /// The `serviceConnectMetricsWrapper` of the public model.
        service_connect_metrics_wrapper: Vec<GeneralMetricsWrapper>,
    }

    /// The `ContainerMetric` shape.
    pub struct ContainerMetric {
        /// The `containerArn` of the public model.
        container_arn: Option<String>,
        /// The `containerName` of the public model.
        container_name: Option<String>,
        /// The `cpuStatsSet` of the public model.
        cpu_stats_set: Option<CWStatsSet>,
        /// The `memoryStatsSet` of the public model.
        memory_stats_set: Option<CWStatsSet>,
        /// The `networkStatsSet` of the public model.
        network_stats_set: Option<NetworkStatsSet>,
        /// The `storageStatsSet` of the public model.
        storage_stats_set: Option<StorageStatsSet>,
        /// The `restartStatsSet` of the public model.
        restart_stats_set: Option<RestartStatsSet>,
        /// The `generalMetricsPayload` of the public model.
        general_metrics_payload: Vec<GeneralMetricsWrapper>,
    }

    /// The `CWStatsSet` shape.
    pub struct CWStatsSet {
        /// The `min` of the public model.
        min: Option<f64>,
        /// The `max` of the public model.
        max: Option<f64>,
        /// The `sampleCount` of the public model.
        sample_count: Option<i64>,
        /// The `sum` of the public model.
        sum: Option<f64>,
    }

    /// The `UDoubleCWStatsSet` shape.
    pub struct UDoubleCWStatsSet {
        /// The `min` of the public model.
        min: Option<f64>,
        /// The `max` of the public model.
        max: Option<f64>,
        /// The `sampleCount` of the public model.
        sample_count: Option<i64>,
        /// The `sum` of the public model.
        sum: Option<f64>,
    }

    /// The `ULongStatsSet` shape.
    pub struct ULongStatsSet {
        /// The `min` of the public model.
        min: Option<i64>,
        /// The `max` of the public model.
        max: Option<i64>,
        /// The `sampleCount` of the public model.
        sample_count: Option<i64>,
        /// The `sum` of the public model.
        sum: Option<i64>,
        /// The `overflowMin` of the public model.
        overflow_min: Option<i64>,
        /// The `overflowMax` of the public model.
        overflow_max: Option<i64>,
        /// The `overflowSum` of the public model.
        overflow_sum: Option<i64>,
    }

    /// The `NetworkStatsSet` shape.
    pub struct NetworkStatsSet {
        /// The `rxBytesPerSecond` of the public model.
        rx_bytes_per_second: Option<UDoubleCWStatsSet>,
        /// The `rxBytes` of the public model.
        rx_bytes: Option<ULongStatsSet>,
        /// The `rxDropped` of the public model.
        rx_dropped: Option<ULongStatsSet>,
        /// The `rxErrors` of the public model.
        rx_errors: Option<ULongStatsSet>,
        /// The `rxPackets` of the public model.
        rx_packets: Option<ULongStatsSet>,
        /// The `txBytesPerSecond` of the public model.
        tx_bytes_per_second: Option<UDoubleCWStatsSet>,
        /// The `txBytes` of the public model.
        tx_bytes: Option<ULongStatsSet>,
        /// The `txDropped` of the public model.
        tx_dropped: Option<ULongStatsSet>,
        /// The `txErrors` of the public model.
        tx_errors: Option<ULongStatsSet>,
        /// The `txPackets` of the public model.
        tx_packets: Option<ULongStatsSet>,
    }

    /// The `StorageStatsSet` shape.
    pub struct StorageStatsSet {
        /// The `readSizeBytes` of the public model.
        read_size_bytes: Option<ULongStatsSet>,
        /// The `writeSizeBytes` of the public model.
        write_size_bytes: Option<ULongStatsSet>,
    }

    /// The `RestartStatsSet` shape.
    pub struct RestartStatsSet {
        /// The `restartCount` of the public model.
        restart_count: Option<i64>,
    }

    /// The `EphemeralStorageMetrics` shape.
    pub struct EphemeralStorageMetrics {
        /// The `bytesUtilized` of the public model.
        bytes_utilized: Option<ULongStatsSet>,
    }

    /// The `VolumeMetric` shape.
    pub struct VolumeMetric {
        /// The `volumeId` of the public model.
        volume_id: Option<String>,
        /// The `volumeName` of the public model.
        volume_name: Option<String>,
        /// The `utilized` of the public model.
        utilized: Option<UDoubleCWStatsSet>,
        /// The `size` of the public model.
        size: Option<UDoubleCWStatsSet>,
    }

    /// The `GeneralMetricsWrapper` shape.
    pub struct GeneralMetricsWrapper {
        /// The `dimensions` of the public model.
        dimensions: Vec<Dimension>,
        /// The `metricType` of the public model.
        metric_type: Option<String>,
        /// The `generalMetrics` of the public model.
        general_metrics: Vec<GeneralMetric>,
    }

    /// The `Dimension` shape.
    pub struct Dimension {
        /// The `key` of the public model.
        key: Option<String>,
        /// The `value` of the public model.
        value: Option<String>,
    }

    /// The `GeneralMetric` shape.
    pub struct GeneralMetric {
        /// The `metricName` of the public model.
        metric_name: Option<String>,
        /// The `metricValues` of the public model.
        metric_values: Vec<f64>,
        /// The `metricCounts` of the public model.
        metric_counts: Vec<i64>,
        /// The `metricValueDouble` of the public model.
        metric_value_double: Option<f64>,
        /// The `metricValueLong` of the public model.
        metric_value_long: Option<i64>,
        /// The `metricValueStatsSet` of the public model.
        metric_value_stats_set: Option<CWStatsSet>,
        /// The `unit` of the public model.
        unit: Option<String>,
    }
}
