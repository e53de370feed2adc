/*
 * presets.c - formats that people meet daily, by name.
 *
 * Only formats whose columns are published are here. Types are such that no file that keeps to the format fails:
 * positions on a genome are i8, words have any width. Chromosomes have room for the names of the usual assemblies, so
 * that a compressed file, of which only the start can be looked at, need not be read again. Sources, by format:
 *
 *     bismark-*        Krueger, Bismark User Guide: output of bismark_methylation_extractor and coverage2cytosine
 *     bed*, bedgraph   GA4GH, The Browser Extensible Data (BED) format, version 1.0; UCSC Genome Browser, Data File
 *     *peak            Formats (bedGraph, ENCODE narrowPeak, ENCODE broadPeak)
 *     methylkit        Akalin et al., methylKit: User Guide, text files of methylation calls
 *     blast6           NCBI, BLAST Command Line Applications User Manual: -outfmt 6 and 7
 *     plink-*          Chang et al., PLINK 1.9 file format reference: .bim, .fam
 *     uscrn-*          NOAA NCEI, U.S. Climate Reference Network: README of subhourly01, hourly02 and daily01
 *     isd-lite         NOAA NCEI, ISD-Lite data format document
 *     ghcn-*           NOAA NCEI, Global Historical Climatology Network daily: readme.txt, readme-by_year.txt
 */
#include "presets.h"

#include <string.h>

#include "dialect.h"

/* ---- genomics -------------------------------------------------------------------------------------------------- */

static const struct preset_column bismark_cov[] = {
    {"chrom", "S8+", NULL}, {"start", "i8", NULL}, {"end", "i8", NULL},
    {"pct", "f8", NULL}, {"meth", "i4", NULL}, {"unmeth", "i4", NULL},
};

static const struct preset_column bismark_cytosine[] = {
    {"chrom", "S8+", NULL}, {"pos", "i8", NULL}, {"strand", "S1", NULL}, {"meth", "i4", NULL}, {"unmeth", "i4", NULL},
    {"context", "S3", NULL}, {"trinucleotide", "S3", NULL},
};

static const struct preset_column methylkit[] = {
    {"chrBase", "S", NULL}, {"chr", "S8+", NULL}, {"base", "i8", NULL}, {"strand", "S1", NULL},
    {"coverage", "i4", NULL}, {"freqC", "f8", NULL}, {"freqT", "f8", NULL},
};

static const struct preset_column bedgraph[] = {
    {"chrom", "S8+", NULL}, {"start", "i8", NULL}, {"end", "i8", NULL}, {"value", "f8", NULL},
};

/* bed3, bed4 ... are its first columns. Scores are integers by the format, and not so in many a file. */
static const struct preset_column bed[] = {
    {"chrom", "S8+", NULL}, {"start", "i8", NULL}, {"end", "i8", NULL}, {"name", "S", NULL}, {"score", "f8", "."},
    {"strand", "S1", NULL}, {"thickStart", "i8", NULL}, {"thickEnd", "i8", NULL}, {"itemRgb", "S", NULL},
    {"blockCount", "i8", NULL}, {"blockSizes", "S", NULL}, {"blockStarts", "S", NULL},
};

/* broadPeak has no 'peak'. -1 stands for 'not assigned'; that of an integer stays as it is. */
static const struct preset_column narrowpeak[] = {
    {"chrom", "S8+", NULL}, {"start", "i8", NULL}, {"end", "i8", NULL}, {"name", "S", NULL}, {"score", "f8", "."},
    {"strand", "S1", NULL}, {"signalValue", "f8", NULL}, {"pValue", "f8", "-1"}, {"qValue", "f8", "-1"},
    {"peak", "i8", "-1"},
};

static const struct preset_column blast6[] = {
    {"qseqid", "S", NULL}, {"sseqid", "S", NULL}, {"pident", "f8", NULL}, {"length", "i8", NULL},
    {"mismatch", "i8", NULL}, {"gapopen", "i8", NULL}, {"qstart", "i8", NULL}, {"qend", "i8", NULL},
    {"sstart", "i8", NULL}, {"send", "i8", NULL}, {"evalue", "f8", NULL}, {"bitscore", "f8", NULL},
};

static const struct preset_column plink_bim[] = {
    {"chrom", "S8+", NULL}, {"id", "S", NULL}, {"cM", "f8", NULL}, {"pos", "i8", NULL}, {"allele1", "S", NULL},
    {"allele2", "S", NULL},
};

static const struct preset_column plink_fam[] = {
    {"fid", "S", NULL}, {"iid", "S", NULL}, {"father", "S", NULL}, {"mother", "S", NULL}, {"sex", "i4", NULL},
    {"phenotype", "f8", "-9,NA"},
};

/* ---- climate --------------------------------------------------------------------------------------------------- */

/* USCRN: a missing value is the lowest one that the column has room for. */
#define TENTHS "-9999,-99999"
#define THOUSANDTHS "-99,-9999"

#define USCRN_PLACE \
    {"CRX_VN", "f8", "-9"}, {"LONGITUDE", "f8", NULL}, {"LATITUDE", "f8", NULL}
#define USCRN_SOIL(end) \
    {"SOIL_MOISTURE_5" end, "f8", THOUSANDTHS}, {"SOIL_MOISTURE_10" end, "f8", THOUSANDTHS}, \
    {"SOIL_MOISTURE_20" end, "f8", THOUSANDTHS}, {"SOIL_MOISTURE_50" end, "f8", THOUSANDTHS}, \
    {"SOIL_MOISTURE_100" end, "f8", THOUSANDTHS}, {"SOIL_TEMP_5" end, "f8", TENTHS}, \
    {"SOIL_TEMP_10" end, "f8", TENTHS}, {"SOIL_TEMP_20" end, "f8", TENTHS}, {"SOIL_TEMP_50" end, "f8", TENTHS}, \
    {"SOIL_TEMP_100" end, "f8", TENTHS}
#define USCRN_TIME \
    {"WBANNO", "S5", NULL}, {"UTC_DATE", "i4", NULL}, {"UTC_TIME", "S4", NULL}, {"LST_DATE", "i4", NULL}, \
    {"LST_TIME", "S4", NULL}

static const struct preset_column uscrn_daily[] = {
    {"WBANNO", "S5", NULL}, {"LST_DATE", "i4", NULL}, USCRN_PLACE,
    {"T_DAILY_MAX", "f8", TENTHS}, {"T_DAILY_MIN", "f8", TENTHS}, {"T_DAILY_MEAN", "f8", TENTHS},
    {"T_DAILY_AVG", "f8", TENTHS}, {"P_DAILY_CALC", "f8", TENTHS}, {"SOLARAD_DAILY", "f8", TENTHS},
    {"SUR_TEMP_DAILY_TYPE", "S1", NULL}, {"SUR_TEMP_DAILY_MAX", "f8", TENTHS}, {"SUR_TEMP_DAILY_MIN", "f8", TENTHS},
    {"SUR_TEMP_DAILY_AVG", "f8", TENTHS}, {"RH_DAILY_MAX", "f8", TENTHS}, {"RH_DAILY_MIN", "f8", TENTHS},
    {"RH_DAILY_AVG", "f8", TENTHS}, USCRN_SOIL("_DAILY"),
};

static const struct preset_column uscrn_hourly[] = {
    USCRN_TIME, USCRN_PLACE,
    {"T_CALC", "f8", TENTHS}, {"T_HR_AVG", "f8", TENTHS}, {"T_MAX", "f8", TENTHS}, {"T_MIN", "f8", TENTHS},
    {"P_CALC", "f8", TENTHS}, {"SOLARAD", "f8", TENTHS}, {"SOLARAD_FLAG", "i4", NULL},
    {"SOLARAD_MAX", "f8", TENTHS}, {"SOLARAD_MAX_FLAG", "i4", NULL}, {"SOLARAD_MIN", "f8", TENTHS},
    {"SOLARAD_MIN_FLAG", "i4", NULL}, {"SUR_TEMP_TYPE", "S1", NULL}, {"SUR_TEMP", "f8", TENTHS},
    {"SUR_TEMP_FLAG", "i4", NULL}, {"SUR_TEMP_MAX", "f8", TENTHS}, {"SUR_TEMP_MAX_FLAG", "i4", NULL},
    {"SUR_TEMP_MIN", "f8", TENTHS}, {"SUR_TEMP_MIN_FLAG", "i4", NULL}, {"RH_HR_AVG", "f8", TENTHS},
    {"RH_HR_AVG_FLAG", "i4", NULL}, USCRN_SOIL(""),
};

static const struct preset_column uscrn_subhourly[] = {
    USCRN_TIME, USCRN_PLACE,
    {"AIR_TEMPERATURE", "f8", TENTHS}, {"PRECIPITATION", "f8", TENTHS}, {"SOLAR_RADIATION", "f8", TENTHS},
    {"SR_FLAG", "i4", NULL}, {"SURFACE_TEMPERATURE", "f8", TENTHS}, {"ST_TYPE", "S1", NULL}, {"ST_FLAG", "i4", NULL},
    {"RELATIVE_HUMIDITY", "f8", TENTHS}, {"RH_FLAG", "i4", NULL}, {"SOIL_MOISTURE_5", "f8", THOUSANDTHS},
    {"SOIL_TEMPERATURE_5", "f8", TENTHS}, {"WETNESS", "f8", TENTHS}, {"WET_FLAG", "i4", NULL},
    {"WIND_1_5", "f8", THOUSANDTHS}, {"WIND_FLAG", "i4", NULL},
};

/* Integers as the archive has them: temperatures, pressure and wind speed in tenths. */
static const struct preset_column isd_lite[] = {
    {"year", "i4", NULL}, {"month", "i4", NULL}, {"day", "i4", NULL}, {"hour", "i4", NULL},
    {"air_temperature", "i4", "-9999"}, {"dew_point", "i4", "-9999"}, {"sea_level_pressure", "i4", "-9999"},
    {"wind_direction", "i4", "-9999"}, {"wind_speed", "i4", "-9999"}, {"sky_condition", "i4", "-9999"},
    {"precipitation_1h", "i4", "-9999"}, {"precipitation_6h", "i4", "-9999"},
};

/* A line is a station's month of one element: a value and three flags for each of 31 days. */
#define GHCN_DAY(n) \
    {"VALUE" #n, "i4", "-9999"}, {"MFLAG" #n, "S1", NULL}, {"QFLAG" #n, "S1", NULL}, {"SFLAG" #n, "S1", NULL}
#define GHCN_DAYS(a, b, c, d, e) GHCN_DAY(a), GHCN_DAY(b), GHCN_DAY(c), GHCN_DAY(d), GHCN_DAY(e)

static const struct preset_column ghcn_daily[] = {
    {"ID", "S11", NULL}, {"YEAR", "i4", NULL}, {"MONTH", "i4", NULL}, {"ELEMENT", "S4", NULL},
    GHCN_DAYS(1, 2, 3, 4, 5), GHCN_DAYS(6, 7, 8, 9, 10), GHCN_DAYS(11, 12, 13, 14, 15), GHCN_DAYS(16, 17, 18, 19, 20),
    GHCN_DAYS(21, 22, 23, 24, 25), GHCN_DAYS(26, 27, 28, 29, 30), GHCN_DAY(31),
};

#define DAY_WIDTHS 5, 1, 1, 1
#define FIVE_DAYS_WIDTHS DAY_WIDTHS, DAY_WIDTHS, DAY_WIDTHS, DAY_WIDTHS, DAY_WIDTHS

static const uint32_t ghcn_daily_widths[] = {
    11, 4, 2, 4, FIVE_DAYS_WIDTHS, FIVE_DAYS_WIDTHS, FIVE_DAYS_WIDTHS, FIVE_DAYS_WIDTHS, FIVE_DAYS_WIDTHS,
    FIVE_DAYS_WIDTHS, DAY_WIDTHS,
};

static const struct preset_column ghcn_by_year[] = {
    {"ID", "S11", NULL}, {"DATE", "i4", NULL}, {"ELEMENT", "S4", NULL}, {"VALUE", "i4", "-9999"},
    {"MFLAG", "S1", NULL}, {"QFLAG", "S1", NULL}, {"SFLAG", "S1", NULL}, {"OBS_TIME", "S4", NULL},
};

/* ---- the list -------------------------------------------------------------------------------------------------- */

#define ALL_OF(list) sizeof(list) / sizeof *(list), list
#define FIRST_OF(list, n) n, list
#define HEADING "track,browser"

static const struct preset presets[] = {
    {"bismark-cov", "Bismark methylation coverage", '\t', ALL_OF(bismark_cov), NULL, NULL},
    {"bismark-cytosine", "Bismark genome-wide cytosine report", '\t', ALL_OF(bismark_cytosine), NULL, NULL},
    {"methylkit", "methylKit methylation calls", '\t', ALL_OF(methylkit), NULL, NULL},
    {"bedgraph", "bedGraph track", DELIMITER_AUTO, ALL_OF(bedgraph), NULL, HEADING},
    {"bed3", "BED of 3 columns", DELIMITER_AUTO, FIRST_OF(bed, 3), NULL, HEADING},
    {"bed4", "BED of 4 columns", DELIMITER_AUTO, FIRST_OF(bed, 4), NULL, HEADING},
    {"bed5", "BED of 5 columns", DELIMITER_AUTO, FIRST_OF(bed, 5), NULL, HEADING},
    {"bed6", "BED of 6 columns", DELIMITER_AUTO, FIRST_OF(bed, 6), NULL, HEADING},
    {"bed9", "BED of 9 columns", DELIMITER_AUTO, FIRST_OF(bed, 9), NULL, HEADING},
    {"bed12", "BED of 12 columns", DELIMITER_AUTO, ALL_OF(bed), NULL, HEADING},
    {"narrowpeak", "ENCODE narrowPeak", DELIMITER_AUTO, ALL_OF(narrowpeak), NULL, HEADING},
    {"broadpeak", "ENCODE broadPeak", DELIMITER_AUTO, FIRST_OF(narrowpeak, 9), NULL, HEADING},
    {"blast6", "BLAST tables, -outfmt 6 and 7", '\t', ALL_OF(blast6), NULL, NULL},
    {"plink-bim", "PLINK variants, .bim", DELIMITER_BLANKS, ALL_OF(plink_bim), NULL, NULL},
    {"plink-fam", "PLINK samples, .fam", DELIMITER_BLANKS, ALL_OF(plink_fam), NULL, NULL},
    {"uscrn-daily", "U.S. Climate Reference Network, days", DELIMITER_BLANKS, ALL_OF(uscrn_daily), NULL, NULL},
    {"uscrn-hourly", "U.S. Climate Reference Network, hours", DELIMITER_BLANKS, ALL_OF(uscrn_hourly), NULL, NULL},
    {"uscrn-subhourly", "U.S. Climate Reference Network, 5 minutes", DELIMITER_BLANKS, ALL_OF(uscrn_subhourly), NULL,
     NULL},
    {"isd-lite", "Integrated Surface Database, lite", DELIMITER_BLANKS, ALL_OF(isd_lite), NULL, NULL},
    {"ghcn-daily", "GHCN daily, .dly of one station", DELIMITER_WIDTHS, ALL_OF(ghcn_daily), ghcn_daily_widths, NULL},
    {"ghcn-by-year", "GHCN daily, .csv by year", ',', ALL_OF(ghcn_by_year), NULL, NULL},
};
enum { N_PRESETS = sizeof presets / sizeof presets[0] };

const struct preset *preset_at(size_t place)
{
    return place < N_PRESETS ? &presets[place] : NULL;
}

const struct preset *preset_find(const char *name)
{
    for (size_t i = 0; i < N_PRESETS; i++)
        if (strcmp(presets[i].name, name) == 0)
            return &presets[i];
    return NULL;
}
