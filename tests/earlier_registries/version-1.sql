-- All of a registry of schema version 1, as its code made it, with two cases: 1 is imported, 7 is registered.
CREATE TABLE radiant_assignment (
	kind VARCHAR(16) NOT NULL,
	id TEXT NOT NULL,
	part INTEGER NOT NULL,
	PRIMARY KEY (kind, id)
);
INSERT INTO "radiant_assignment" VALUES('patient','P1',0);
CREATE TABLE radiant_case (
	case_id BIGINT NOT NULL,
	strategy TEXT NOT NULL,
	priority VARCHAR(16) NOT NULL,
	assembly VARCHAR(16) NOT NULL,
	proband TEXT,
	state VARCHAR(16) NOT NULL,
	part INTEGER,
	revision INTEGER NOT NULL,
	run TEXT,
	lease_until DATETIME,
	load_id VARCHAR(32),
	failure_code TEXT,
	failure_reason TEXT,
	failure_retryable BOOLEAN NOT NULL,
	purged BOOLEAN NOT NULL,
	created_at DATETIME NOT NULL,
	updated_at DATETIME NOT NULL,
	imported_at DATETIME,
	PRIMARY KEY (case_id)
);
INSERT INTO "radiant_case" VALUES(7,'wgs','routine','GRCh38',NULL,'registered',NULL,0,NULL,NULL,NULL,NULL,NULL,false,false,'2026-11-29 07:23:57.807881','2026-11-29 07:23:57.807881',NULL);
INSERT INTO "radiant_case" VALUES(1,'wgs','routine','GRCh38','kid','imported',0,0,NULL,NULL,'load-1',NULL,NULL,false,false,'2026-01-02 03:04:05','2026-01-02 03:04:05','2026-01-02 04:05:06');
CREATE TABLE radiant_file (
	case_id BIGINT NOT NULL,
	role VARCHAR(8) NOT NULL,
	uri TEXT NOT NULL,
	size BIGINT,
	tag TEXT,
	sha256 VARCHAR(64),
	PRIMARY KEY (case_id, role),
	FOREIGN KEY(case_id) REFERENCES radiant_case (case_id)
);
INSERT INTO "radiant_file" VALUES(7,'vcf','file:///data/FAM0001/FAM0001.vcf.gz',94776,'1795937037616624022',NULL);
INSERT INTO "radiant_file" VALUES(7,'ped','file:///data/FAM0001/FAM0001.ped',104,'1795937037653550066',NULL);
INSERT INTO "radiant_file" VALUES(1,'vcf','file:///data/1.vcf.gz',1000,'tag',NULL);
CREATE TABLE radiant_history (
	entry INTEGER NOT NULL,
	case_id BIGINT NOT NULL,
	at DATETIME NOT NULL,
	from_state VARCHAR(16),
	to_state VARCHAR(16) NOT NULL,
	run TEXT,
	load_id VARCHAR(32),
	note TEXT NOT NULL,
	PRIMARY KEY (entry),
	FOREIGN KEY(case_id) REFERENCES radiant_case (case_id)
);
INSERT INTO "radiant_history" VALUES(1,7,'2026-11-29 07:23:57.807881',NULL,'registered',NULL,NULL,'registered');
INSERT INTO "radiant_history" VALUES(2,1,'2026-01-02 03:04:05',NULL,'registered',NULL,NULL,'added');
CREATE TABLE radiant_load (
	load_id VARCHAR(32) NOT NULL,
	case_id BIGINT NOT NULL,
	part INTEGER NOT NULL,
	run TEXT NOT NULL,
	revision INTEGER NOT NULL,
	status VARCHAR(16) NOT NULL,
	started_at DATETIME NOT NULL,
	finished_at DATETIME,
	code TEXT,
	reason TEXT,
	commit_token TEXT,
	cleaned BOOLEAN NOT NULL,
	PRIMARY KEY (load_id),
	FOREIGN KEY(case_id) REFERENCES radiant_case (case_id)
);
INSERT INTO "radiant_load" VALUES('load-1',1,0,'run',0,'imported','2026-01-02 03:04:05','2026-01-02 04:05:06',NULL,NULL,'token',false);
CREATE TABLE radiant_member (
	case_id BIGINT NOT NULL,
	position INTEGER NOT NULL,
	sample TEXT NOT NULL,
	family_id TEXT NOT NULL,
	father TEXT,
	mother TEXT,
	sex VARCHAR(16) NOT NULL,
	affected VARCHAR(16) NOT NULL,
	patient_id TEXT NOT NULL,
	experiment_id TEXT NOT NULL,
	is_proband BOOLEAN NOT NULL,
	PRIMARY KEY (case_id, position),
	FOREIGN KEY(case_id) REFERENCES radiant_case (case_id)
);
INSERT INTO "radiant_member" VALUES(7,0,'FAM0001-F01','FAM0001','FAM0001-F03','FAM0001-F02','male','affected','FAM0001:FAM0001-F01','FAM0001:FAM0001-F01',true);
INSERT INTO "radiant_member" VALUES(7,1,'FAM0001-F02','FAM0001',NULL,NULL,'female','unaffected','FAM0001:FAM0001-F02','FAM0001:FAM0001-F02',false);
INSERT INTO "radiant_member" VALUES(7,2,'FAM0001-F03','FAM0001',NULL,NULL,'male','unaffected','FAM0001:FAM0001-F03','FAM0001:FAM0001-F03',false);
INSERT INTO "radiant_member" VALUES(1,0,'kid','F1',NULL,NULL,'male','affected','P1','E1',true);
CREATE TABLE radiant_schema (
	version INTEGER NOT NULL,
	PRIMARY KEY (version)
);
INSERT INTO "radiant_schema" VALUES(1);
CREATE INDEX radiant_case_state ON radiant_case (state);
CREATE INDEX radiant_assignment_part ON radiant_assignment (part);
CREATE INDEX radiant_file_uri ON radiant_file (uri);
CREATE INDEX radiant_history_case ON radiant_history (case_id);
CREATE INDEX radiant_load_case ON radiant_load (case_id);
