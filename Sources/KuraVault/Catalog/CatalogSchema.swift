internal import GRDB

/// The tables of the catalog, and how older ones become newer ones.
enum CatalogSchema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 regions, jobs, machines") { database in
            try database.execute(sql: regions)
            try database.execute(sql: jobs)
            try database.execute(sql: machines)
        }
        migrator.registerMigration("2 points by item, first sight") { database in
            // Copies of what the regions hold: read from there again when they are next needed.
            try database.execute(sql: "DROP TABLE point")
            try database.execute(sql: points)
            try database.execute(
                sql: "ALTER TABLE schedule ADD COLUMN first INTEGER NOT NULL DEFAULT 0")
            try database.execute(sql: "UPDATE schedule SET first = handled")
        }
        migrator.registerMigration("vaults, missing points") { database in
            try database.execute(sql: vaults)
        }
        migrator.registerMigration("3 runs that are tried again") { database in
            for column in ["done", "attempts", "tried"] {
                try database.execute(
                    sql: "ALTER TABLE schedule ADD COLUMN \(column) INTEGER NOT NULL DEFAULT 0")
            }
            try database.execute(sql: "UPDATE schedule SET done = handled")
        }
        return migrator
    }

    /// The last record that was seen of each vault. A point is missing where the region that had it
    /// has neither the point nor its tombstone.
    private static let vaults = """
        CREATE TABLE vault (id TEXT PRIMARY KEY NOT NULL, record BLOB NOT NULL);
        ALTER TABLE point ADD COLUMN missing INTEGER NOT NULL DEFAULT 0;
        """

    /// Copies of what the regions hold, with the bytes as they are there: a copy's name is its
    /// seal, so it cannot say anything else than the region does.
    private static let regions = """
        CREATE TABLE meta (key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL);
        CREATE TABLE point (
            vault TEXT NOT NULL, time INTEGER NOT NULL, id TEXT NOT NULL, bytes BLOB NOT NULL,
            PRIMARY KEY (vault, time, id)) WITHOUT ROWID;
        CREATE INDEX point_id ON point (vault, id);
        CREATE TABLE journal (
            vault TEXT NOT NULL, id TEXT NOT NULL, bytes BLOB NOT NULL,
            PRIMARY KEY (vault, id)) WITHOUT ROWID;
        """

    /// The item is there to find and to count an item's points without reading all.
    private static let points = """
        CREATE TABLE point (
            vault TEXT NOT NULL, time INTEGER NOT NULL, id BLOB NOT NULL, item TEXT NOT NULL,
            bytes BLOB NOT NULL, PRIMARY KEY (vault, time, id)) WITHOUT ROWID;
        CREATE INDEX point_id ON point (vault, id);
        CREATE INDEX point_item ON point (vault, item);
        """

    /// Times are nanoseconds since 1970.
    private static let jobs = """
        CREATE TABLE job (
            id TEXT PRIMARY KEY NOT NULL, operation TEXT NOT NULL, status TEXT NOT NULL,
            vault TEXT NOT NULL, item TEXT NOT NULL, started INTEGER NOT NULL, ended INTEGER,
            progress REAL NOT NULL, process INTEGER NOT NULL, host TEXT NOT NULL,
            error_code TEXT, error_message TEXT, error_remedy TEXT,
            warnings TEXT NOT NULL, output TEXT NOT NULL, recovery_point TEXT);
        CREATE INDEX job_started ON job (started);
        CREATE INDEX job_status ON job (status);
        CREATE TABLE job_task (
            job TEXT NOT NULL REFERENCES job (id) ON DELETE CASCADE, ordinal INTEGER NOT NULL,
            name TEXT NOT NULL, status TEXT NOT NULL, PRIMARY KEY (job, ordinal)) WITHOUT ROWID;
        CREATE TABLE schedule (
            vault TEXT NOT NULL, item TEXT NOT NULL, handled INTEGER NOT NULL,
            PRIMARY KEY (vault, item)) WITHOUT ROWID;
        """

    private static let machines = """
        CREATE TABLE machine (
            region TEXT NOT NULL, cloud_service TEXT NOT NULL, name TEXT NOT NULL,
            document TEXT NOT NULL, seen INTEGER NOT NULL,
            PRIMARY KEY (region, cloud_service, name)) WITHOUT ROWID;
        """
}
