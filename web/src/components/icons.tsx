// The few icons there are, drawn on a 16-pixel grid.
import type { ReactNode } from 'react';

const icon = (children: ReactNode) =>
  function Icon({ size = 16 }: { size?: number }) {
    return (
      <svg
        width={size}
        height={size}
        viewBox="0 0 16 16"
        fill="none"
        stroke="currentColor"
        strokeWidth="1.5"
        strokeLinecap="round"
        strokeLinejoin="round"
        aria-hidden="true"
        focusable="false"
      >
        {children}
      </svg>
    );
  };

export const IconClock = icon(
  <>
    <circle cx="8" cy="8" r="6" />
    <path d="M8 4.5V8l2.5 1.5" />
  </>,
);
export const IconPerson = icon(
  <>
    <circle cx="8" cy="5.5" r="2.5" />
    <path d="M3 13.5c.6-2.6 2.6-4 5-4s4.4 1.4 5 4" />
  </>,
);
export const IconPlay = icon(<path d="M5 3.5v9l7-4.5z" />);
export const IconPause = icon(<path d="M5.5 3.5v9M10.5 3.5v9" />);
export const IconStop = icon(<rect x="4" y="4" width="8" height="8" rx="1" />);
export const IconCheck = icon(<path d="M3 8.5l3.5 3.5L13 4.5" />);
export const IconCross = icon(<path d="M4 4l8 8M12 4l-8 8" />);
export const IconWarn = icon(
  <>
    <path d="M8 2.5l6 11H2z" />
    <path d="M8 6.5v3M8 11.5v.1" />
  </>,
);
export const IconSkip = icon(<path d="M4 4l5 4-5 4M11.5 4v8" />);
export const IconWallet = icon(
  <>
    <rect x="2" y="4" width="12" height="9" rx="1.5" />
    <path d="M10.5 8.5h.1M2 6.5h12" />
  </>,
);
export const IconPencil = icon(<path d="M3 13l.5-2.5L11 3l2 2-7.5 7.5z" />);
export const IconPlus = icon(<path d="M8 3v10M3 8h10" />);
export const IconSearch = icon(
  <>
    <circle cx="7" cy="7" r="4.5" />
    <path d="M10.5 10.5L14 14" />
  </>,
);
export const IconList = icon(<path d="M3 4h10M3 8h10M3 12h10" />);
export const IconChart = icon(<path d="M2.5 13.5h11M4.5 11V8M8 11V4M11.5 11V6.5" />);
export const IconEye = icon(
  <>
    <path d="M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8z" />
    <circle cx="8" cy="8" r="2" />
  </>,
);
export const IconGear = icon(
  <>
    <circle cx="8" cy="8" r="2.2" />
    <path d="M8 1.8v2M8 12.2v2M1.8 8h2M12.2 8h2M3.6 3.6L5 5M11 11l1.4 1.4M12.4 3.6L11 5M5 11l-1.4 1.4" />
  </>,
);
export const IconFolder = icon(
  <path d="M2 4.5a1 1 0 011-1h3l1.5 1.5H13a1 1 0 011 1V12a1 1 0 01-1 1H3a1 1 0 01-1-1z" />,
);
export const IconFile = icon(
  <>
    <path d="M4 2h5l3 3v9H4z" />
    <path d="M9 2v3h3" />
  </>,
);
export const IconDown = icon(<path d="M8 3v8M4.5 7.5L8 11l3.5-3.5M3 13.5h10" />);
export const IconSun = icon(
  <>
    <circle cx="8" cy="8" r="3" />
    <path d="M8 1.5v1.5M8 13v1.5M1.5 8H3M13 8h1.5M3.4 3.4l1 1M11.6 11.6l1 1M12.6 3.4l-1 1M4.4 11.6l-1 1" />
  </>,
);
export const IconMoon = icon(<path d="M13 9.5A5.5 5.5 0 016.5 3 5.5 5.5 0 1013 9.5z" />);
export const IconRotate = icon(
  <>
    <path d="M13 8a5 5 0 11-1.5-3.5" />
    <path d="M13 2.5v3h-3" />
  </>,
);
export const IconMore = icon(
  <>
    <circle cx="3.5" cy="8" r=".6" />
    <circle cx="8" cy="8" r=".6" />
    <circle cx="12.5" cy="8" r=".6" />
  </>,
);
export const IconBell = icon(
  <>
    <path d="M4 11V7.5a4 4 0 018 0V11l1 1.5H3z" />
    <path d="M7 14.5h2" />
  </>,
);
export const IconCode = icon(<path d="M5.5 4.5L2 8l3.5 3.5M10.5 4.5L14 8l-3.5 3.5" />);
export const IconCopy = icon(
  <>
    <rect x="5.5" y="5.5" width="8" height="8" rx="1" />
    <path d="M3 10.5v-7a1 1 0 011-1h7" />
  </>,
);
